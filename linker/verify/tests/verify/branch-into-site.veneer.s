// finding: used+0x4: instruction 1 of the site
// finding: other+0x4: instruction 1 of the site
// finding: reached+0x4: instruction 1 of the site
// Like a veneer of GNU ld that is not used (clean.veneer.s), but: a branch leads to it; it has another
// instruction; the code before goes on to it.
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
