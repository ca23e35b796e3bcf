// finding: vector: is not between `__code_start` and `__code_end`
// script: shapes/lk.ld
// The exception vectors are after the data, so a site in them is outside of the text.
.globl _start
_start:
    b .
.pushsection .vectors, "ax"
vector:
site:
    nop
    b .
.popsection
.pushsection .bss.counter, "aw", @nobits
counter: .skip 64
.popsection
raw_branch site, 1, 1
