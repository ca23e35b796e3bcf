// finding: site: relaxed
// help: site: --no-relax
// A linker has made NOP and ADR of ADRP and ADD, and the arm branches to the second one alone.
.globl _start
_start:
site:
    alternative_begin
    nop
    nop
    nop
    alternative_arm 1
    cbz x1, 1f
    nop
1:  adr x0, variable
    alternative_end
    b .
.pushsection .text.rest, "ax"
.skip 0x200000
.popsection
.pushsection .data, "aw"
variable: .quad 0
.popsection
