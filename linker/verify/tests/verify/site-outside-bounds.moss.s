// finding: vector: is not between `__text_start` and `__text_end`
// script: shapes/moss.ld
// link: -Talternatives.x
// Exception vectors lie behind the data: a text that ends before them leaves the site out.
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
