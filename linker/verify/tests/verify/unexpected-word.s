// finding: site: the site holds
// Something has been at the NOP: it has become a YIELD.
// poke: site = 3f
.globl _start
_start:
site:
    branch_if_cap 1, 1f
1:
    b .
