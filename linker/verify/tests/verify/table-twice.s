// finding: record: is there 2 times
// help: record: drop `-Talternatives.x`
// script: table-twice.ld
// As both ways to place the tables at once made it: the patcher finds no record, and says that
// zero of zero sites are patched.
.globl _start
_start:
site:
    nop
    b .
.globl __alt_layout_version
record_section alt_branches, ao, @progbits
record:
.popsection
raw_branch site, 1, 1
