// finding: site: __far_veneer
// The name that GNU ld gives to a veneer.
.globl _start
_start:
site:
    nop
    b .
__far_veneer:
    ret
arm:
    bl __far_veneer
linux_record site, arm, 1, 4, 4
