// finding: first
// The records stand in the order of second, first.
.globl _start
_start:
first:
    nop
second:
    nop
    b .
raw_replacements
arm: yield
.popsection
raw_record second, arm, 1, 1, 1
raw_record first, arm, 1, 1, 1
