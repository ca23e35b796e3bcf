// finding: __start_alt_branches: its site is _start
// finding: __start_alt_records: its replacement is
// poke: __start_alt_branches = 00
// poke: __start_alt_records+0x4 = 0c
// The low bytes of two fields: 0x40200004 - 0x40201000, and 0x40201014 - 0x4020100c.
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
