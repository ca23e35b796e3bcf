// finding: site: it names a callback and has a replacement of 4 bytes
.globl _start
_start:
site:
    nop
    b .
.type callback, @function
callback:
    ret
.size callback, . - callback
linux_record site, callback, 1 << 15 | 1, 4, 4
