// finding: site: its reach is -32768
// TBZ reaches its target from where the arm stands, and not from the site.
.globl _start
_start:
    alternative_begin near
site:
    nop
    alternative_arm 1
    tbz x0, #3, 1f
    alternative_end
    .rept 0x2400
    nop
    .endr
1:
    b .
