// finding: site: no cpucap 8192
.globl _start
_start:
site:
    nop
    b .
arm: yield
linux_record site, arm, 0x2000, 4, 4
