// finding: site: not text
.globl _start
_start:
site:
    nop
    b .
.data
data: .quad 0
.text
linux_record site, data, 1 << 15 | 1, 4, 0
