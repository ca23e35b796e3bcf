// finding: __start_alt_branches: alt_branches
// finding: __start_alt_plan: alt_plan
// rules: tables-outside-init.toml
// The rules file says where the region is: not where the bounds of the script are.
.globl _start
_start:
site:
    nop
    b .
raw_branch site, 1, 1
.section .init.text, "ax"
    ret
