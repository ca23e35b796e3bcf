// finding: site: instruction 0
.globl _start
_start:
site:
    brk #4
    b .
arm: yield
linux_record site, arm, 1, 4, 4
