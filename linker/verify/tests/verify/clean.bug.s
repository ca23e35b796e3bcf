// Linux's BUG() in a site is code, not a debugger's breakpoint.
.globl _start
_start:
site:
    brk #0x800
    b .
arm: nop
linux_record site, arm, 1, 4, 4
