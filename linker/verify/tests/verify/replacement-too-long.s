// finding: site: 2 instructions replace only 1
.globl _start
_start:
site:
    nop
    b .
raw_replacements
arm: yield
    yield
.popsection
raw_record site, arm, 1, 1, 2
