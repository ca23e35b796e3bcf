// finding: copies: overlaps the site
.globl _start
_start:
copies:
    nop
copied:
    yield
    b .
arm: wfe
linux_record copies, copied, 1, 4, 4
linux_record copied, arm, 2, 4, 4
