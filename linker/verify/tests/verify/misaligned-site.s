// finding: site+0x2: 4-byte aligned
// The record names the middle of an instruction.
.globl _start
_start:
site:
    nop
    b .
.set middle, site + 2
raw_replacements
arm: yield
.popsection
raw_record middle, arm, 1, 1, 1
