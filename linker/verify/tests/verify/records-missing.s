// finding: __start_alt_records: have 3 words by alt_plan_size, but the records are of 2
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
