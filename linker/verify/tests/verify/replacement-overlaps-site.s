// finding: copies: overlaps the site
// An arm is what another site holds.
.globl _start
_start:
copies:
    nop
copied:
    yield
    b .
raw_replacements
arm: wfe
.popsection
raw_record copies, copied, 1, 1, 1
raw_record copied, arm, 2, 1, 1
