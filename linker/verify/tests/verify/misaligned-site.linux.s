// finding: site+0x2: 4-byte aligned
.globl _start
_start:
site:
    nop
    nop
    b .
arm: yield
.set middle, site + 2
linux_record middle, arm, 1, 4, 4
