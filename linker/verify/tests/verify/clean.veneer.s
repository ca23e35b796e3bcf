// What GNU ld 2.40 leaves of a veneer against Cortex-A53 erratum 843419 that it did not need: it made an
// ADR of the ADRP before the site. It copies the first instruction of the site, and goes on with the
// second.
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
