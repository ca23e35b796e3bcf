// finding: used+0x4: instruction 1 of the site
// finding: other+0x4: instruction 1 of the site
// finding: reached+0x4: instruction 1 of the site
// Unlike an unused veneer of GNU ld (clean.veneer.s): the first is the target of a branch, the second has
// another instruction, the third is reached from the code before it.
.globl _start
_start:
    b used
site:
    alternative_begin
    ldr x0, [x0, #72]
second:
    nop
    alternative_nops 1
    alternative_end
    ret
used:
    ldr x0, [x0, #72]
    b second
other:
    ldr x0, [x0, #80]
    b second
    cbz x3, _start
reached:
    ldr x0, [x0, #72]
    b second
