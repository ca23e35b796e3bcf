// finding: own: reaches a site of cap 1
// Where the cpucaps are not known: a callback's own is open while it runs.
.globl _start
.type _start, @function
_start:
called:
    nop
    b .
.size _start, . - _start
.type function, @function
function:
own:
    nop
another:
    nop
    ret
.size function, . - function
.pushsection alt_callbacks, "aR", @progbits
callback: .quad 0, 0, function
.popsection
raw_record called, callback, 1 << 15 | 1, 1, 1
raw_branch own, 1, 1
raw_branch another, 2, 1
