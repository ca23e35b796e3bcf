// finding: site: leaves the text
.globl _start
_start:
site:
    nop
    b .
raw_branch site, 1, -100
