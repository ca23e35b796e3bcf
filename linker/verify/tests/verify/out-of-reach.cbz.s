// finding: site: its reach is -1048576
// The target of the CBZ is in range of the stored arm, but not of the site.
.globl _start
_start:
    alternative_begin near
site:
    nop
    alternative_arm 1
    cbz x0, 1f
    alternative_end
    .rept 0x40000
    nop
    .endr
1:
    b .
