// finding: callback: not text
// finding: nothing: no function
.globl _start
_start:
site:
    nop
    b .
.pushsection alt_callbacks, "aR", @progbits
callback: .quad 0, 0, data
nothing: .quad 0, 0, 0
.popsection
.data
data: .quad 0
.text
raw_record site, callback, 1 << 15 | 1, 1, 1
