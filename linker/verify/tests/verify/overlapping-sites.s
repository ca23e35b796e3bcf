// finding: second: inside the site of 2 instructions
// finding: both: a branch and an alternative at once
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
