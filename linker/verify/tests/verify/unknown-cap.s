// finding: site: no such cpucap
// caps: A B C
.globl _start
_start:
    branch_if_cap 2, 1f
site:
    branch_if_cap 3, 1f
1:
    b .
