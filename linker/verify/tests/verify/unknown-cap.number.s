// finding: site: no such cpucap
// Without names, any number is taken that a set of cpucaps has.
.globl _start
_start:
    branch_if_cap 255, 1f
site:
    branch_if_cap 256, 1f
1:
    b .
