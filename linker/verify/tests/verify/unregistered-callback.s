// finding: site: not one of the callbacks
.globl _start
_start:
site:
    nop
    b .
.type function, @function
function:
    ret
.size function, . - function
raw_record site, function, 1 << 15 | 1, 1, 1
