// finding: record: 2 times, with
// help: record: drop `-Talternatives.x`
// script: table-twice.ld
// The result of two scripts that both place the tables: the patcher finds no record, and reports that it
// patched zero of zero sites.
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
