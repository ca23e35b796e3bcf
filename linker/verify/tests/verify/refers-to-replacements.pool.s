// finding: site: among the replacements
// A constant in a literal pool, which the assembler places after the arm, with a relocation.
.globl _start
.type _start, @function
_start:
site:
    alternative_begin
    nop
    alternative_arm 1
    ldr x0, =0x1122334455667788
    alternative_end
    b .
.size _start, . - _start
