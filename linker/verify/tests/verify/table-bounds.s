// finding: __start_alt_branches: its bounds say
// The bounds leave the last record out: the patcher would not see it.
// script: table-bounds.ld
.globl _start
_start:
    branch_if_cap 0, 1f
    branch_if_cap 1, 1f
1:
    b .
