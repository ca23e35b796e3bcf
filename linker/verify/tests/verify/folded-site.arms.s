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
// An arm of another condition comes first.
raw_record site, arm, 2, 1, 1
record_section alt_records, ao, @progbits
.irp replacement, arm, other
.long site - .
.long \replacement - .
.hword 1
.byte 1, 1
.endr
.popsection
