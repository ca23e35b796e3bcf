// finding: __start_alt_plan: have 3 instructions, the plan has room for 2
.globl _start
_start:
    branch_if_cap 0, 1f
site:
    nop
    nop
1:
    b .
raw_replacements
arm: yield
.popsection
// As raw_record does, but for the room.
record_section alt_records, ao, @progbits
.long site - .
.long arm - .
.hword 1
.byte 2, 1
.popsection
record_section alt_plan_size, o, @nobits
.skip 12
.popsection
