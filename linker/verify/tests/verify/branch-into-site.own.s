// finding: site: instruction 1 of the site
// The arm's branch branches to an instruction of the default, which is gone when the arm runs.
.globl _start
_start:
site:
    alternative_begin
    nop
1:
    isb
    nop
    alternative_arm 1
    cbz x0, 1b
    alternative_end
    b .
