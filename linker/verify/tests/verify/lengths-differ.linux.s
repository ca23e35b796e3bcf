// finding: site: 4 bytes replace 8
.globl _start
_start:
site:
    nop
    nop
    b .
arm: yield
linux_record site, arm, 1, 8, 4
