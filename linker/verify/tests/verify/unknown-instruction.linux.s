// finding: site: of the arm
.globl _start
_start:
site:
    nop
    b .
arm:
    .inst 0xffffffff
linux_record site, arm, 1, 4, 4
