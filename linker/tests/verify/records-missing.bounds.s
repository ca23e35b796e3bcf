// finding: first: say so
// script: records-missing.bounds.ld
// The script has bounds, but not around the table.
.globl _start
_start:
site:
    nop
    b .
raw_branch site, 1, 1
