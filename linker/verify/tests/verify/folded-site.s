// finding: first: are one function
// help: first: --icf=all
// link: --icf=all
// The linker finds the two equal, and drops the record of one: it answers for the other's cpucap.
.globl _start
.type _start, @function
_start:
    bl first
    bl second
    b .
.size _start, . - _start

.macro predicate name, condition
.pushsection .text.\name, "ax"
.globl \name
fn \name
    nop
    mov w0, #0
    ret
    mov w0, #1
end_fn \name
.popsection
.pushsection alt_branches, "ao", @progbits, \name
.long \name - .
.hword \condition, 3
.popsection
.endm
predicate first, 3
predicate second, 7
raw_plan_room 1
