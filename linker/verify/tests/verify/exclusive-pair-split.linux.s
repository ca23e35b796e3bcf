// finding: site: the arm
.globl _start
_start:
    ldxr x0, [x1]
site:
    nop
    stxr w4, x0, [x1]
    b .
arm:
    ldr x2, [x3]
linux_record site, arm, 1, 4, 4
