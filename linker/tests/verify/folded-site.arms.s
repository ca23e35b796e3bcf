// finding: site: have the same condition
// What a linker makes that folds functions and keeps the records of each.
.globl _start
_start:
site:
    nop
    b .
raw_replacements
arm: yield
other: wfe
.popsection
raw_record site, arm, 2, 1, 1
raw_record site, arm, 1, 1, 1
record_section alt_records, ao, @progbits
.long site - .
.long other - .
.hword 1
.byte 1, 1
.popsection
