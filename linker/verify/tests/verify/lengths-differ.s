// finding: site: 2 instructions, another 1
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
raw_record site, arm, 2, 1, 1
