// finding: one: `bti c` becomes `nop`
// finding: two+0x4: `bti jc` becomes `paciasp`, which is not a target for BR
.globl _start
_start:
    b .
one:
    alternative_begin
    bti c
    alternative_nops 1
    alternative_end
    ret
two:
    alternative_begin
    nop
    bti jc
    alternative_arm 2
    nop
    paciasp
    alternative_end
    ret
// These accept what was accepted before.
    alternative_begin
    bti c
    alternative_arm 3
    paciasp
    alternative_arm 4
    bti jc
    alternative_arm 5
    brk #1
    alternative_end
    ret
