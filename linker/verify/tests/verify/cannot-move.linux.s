// finding: site: may be PC-relative in a way that is not known
.globl _start
_start:
site:
    nop
    b .
arm: .inst 0x56000000 // no instruction of the Arm ARM, beside branches
linux_record site, arm, 1, 4, 4
