// finding: __start_alt_branches: alt_branches
// finding: __start_alt_plan: alt_plan
// script: tables-outside-init.ld
.globl _start
_start:
site:
    nop
    b .
raw_branch site, 1, 1
.pushsection .init.text, "ax"
    ret
.popsection
