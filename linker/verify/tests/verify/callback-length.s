// finding: site: the record states 2 instructions for the callback, 1 for the site
.globl _start
_start:
site:
    nop
    b .
.pushsection alt_callbacks, "aR", @progbits
callback: .quad 0, 0, function
.popsection
.type function, @function
function:
    ret
.size function, . - function
raw_record site, callback, 1 << 15 | 1, 1, 2
