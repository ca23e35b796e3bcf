// finding: site: the replacement has 2 instructions, the site only 1
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
