// finding: site: its reach is
.globl _start
_start:
site:
    nop
    .rept 0x2400
    nop
    .endr
1:
    b .
arm: tbz x0, #3, 1b
linux_record site, arm, 1, 4, 4
