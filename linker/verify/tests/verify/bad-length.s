// finding: empty: no instructions
// finding: no_arm: no instructions
.globl _start
_start:
empty:
    nop
no_arm:
    nop
    b .
raw_replacements
arm: yield
.popsection
raw_record empty, arm, 1, 0, 1
raw_record no_arm, arm, 1, 1, 0
