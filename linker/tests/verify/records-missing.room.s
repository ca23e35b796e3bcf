// finding: __start_alt_plan: has room for 1
// script: records-missing.room.ld
// The script bounds the room too early.
.globl _start
_start:
site:
    nop
    nop
    b .
raw_replacements
arm: yield
.popsection
raw_record site, arm, 1, 2, 1
