// finding: site: among the replacements
// A literal pool of the arm's own, which does not come along.
.globl _start
_start:
site:
    nop
    b .
raw_replacements
arm: ldr x0, literal
literal: .quad 0x1122334455667788
.popsection
raw_record site, arm, 1, 1, 1
