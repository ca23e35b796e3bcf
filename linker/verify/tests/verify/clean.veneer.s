// An unused veneer of GNU ld 2.40 for Cortex-A53 erratum 843419: the linker changed the ADRP before the site
// to ADR instead. The veneer has a copy of the first instruction of the site, and a branch to the second.
.globl _start
_start:
    b .
    adr x0, datum
    ldr x1, [x2]
site:
    alternative_begin
    ldr x0, [x0, #72]
second:
    nop
    alternative_nops 1
    alternative_end
    ret
veneers:
    b end
    nop
    ldr x0, [x0, #72]
    b second
    ldr x0, [x0, #72]
    b second
end:
    ret
datum:
    .quad 0
