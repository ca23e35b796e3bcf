// finding: site: instruction 1
.globl _start
_start:
site:
    nop
    brk #0
    b .
raw_replacements
arm: yield
    yield
.popsection
raw_record site, arm, 1, 2, 2
