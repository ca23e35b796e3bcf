// finding: site: its reach is -134217728
// script: reach.ld
// B reaches its target from among the replacements without a veneer, and not from the site.
.globl _start
_start:
site:
    alternative_begin
    nop
    alternative_arm 1
    b far
    alternative_end
    b .
.pushsection .text.far, "ax"
.globl far
far:
    ret
.popsection
