// finding: __start_alt_branches: is other
// finding: __start_alt_records: replacement is
// poke: __start_alt_branches = XX
.globl _start
_start:
other:
    nop
site:
    nop
second:
    nop
    b .
raw_replacements
arm: yield
    yield
.popsection
raw_branch site, 1, 1
raw_record second, arm, 1, 1, 1
