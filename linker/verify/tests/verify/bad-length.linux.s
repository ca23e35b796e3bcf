// finding: site: 6 bytes
.globl _start
_start:
site:
    nop
    nop
    b .
arm: yield
    yield
linux_record site, arm, 1, 6, 6
