// finding: site: `bti j` becomes `bti c`
.globl _start
_start:
site:
    bti j
    b .
arm:
    bti c
linux_record site, arm, 1, 4, 4
