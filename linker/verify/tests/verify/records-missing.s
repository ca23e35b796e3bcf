// finding: __start_alt_records: the sites have 3 words, but the sites of the records have 2
// script: records-missing.ld
// The script throws away one of the tables: that of branches.
.globl _start
_start:
branch:
    nop
site:
    nop
    nop
    b .
raw_replacements
arm: yield
.popsection
raw_branch branch, 1, 1
raw_record site, arm, 1, 2, 1
