// finding: __start_alt_replacements: no record that refers to them
// script: records-missing.replacements.ld
.globl _start
_start:
site:
    nop
    b .
raw_replacements
arm: yield
.popsection
raw_record site, arm, 1, 1, 1
