// finding: site: its reach is -32768
// The target of the TBZ is in range of the stored arm, but not of the site.
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
