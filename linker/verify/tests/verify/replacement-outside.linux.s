// finding: site: neither the replacements nor the text
.globl _start
_start:
site:
    nop
    b .
.pushsection .data, "aw"
arm: yield
.popsection
linux_record site, arm, 1, 4, 4
