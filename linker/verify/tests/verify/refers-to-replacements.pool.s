// finding: site: among the replacements
// A constant that the assembler puts into a literal pool behind the arm, and a relocation with it.
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
