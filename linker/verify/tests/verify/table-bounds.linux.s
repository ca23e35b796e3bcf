// finding: __alt_instructions: its bounds say
// script: table-bounds.linux.ld
.globl _start
_start:
    nop
site:
    nop
    b .
arm: yield
linux_record _start, arm, 1, 4, 4
linux_record site, arm, 1, 4, 4
