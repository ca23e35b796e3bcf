// finding: second: inside the site of 2 instructions
// finding: both: it has a branch record and a record of an alternative
.globl _start
_start:
first:
    nop
second:
    nop
both:
    nop
    b .
raw_replacements
arm: yield
.popsection
raw_record first, arm, 1, 2, 1
raw_record second, arm, 1, 1, 1
raw_record both, arm, 1, 1, 1
raw_branch both, 1, 1
