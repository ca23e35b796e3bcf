// finding: second: inside the site of 2 instructions
.globl _start
_start:
first:
    nop
second:
    nop
    b .
arm: yield
    yield
linux_record first, arm, 1, 8, 8
linux_record second, arm, 1, 4, 4
