// finding: site: which is missing
// The next record, which the condition needs, belongs to another site.
.globl _start
_start:
site:
    nop
other:
    nop
    b .
raw_replacements
arm: yield
.popsection
raw_record site, arm, 1 << 13 | 1, 1, 1
raw_record other, arm, 1, 1, 1
