// finding: one: wrong page
// finding: two+0x4: wrong page
// finding: three: wrong page
.globl _start
_start:
    b .
.balign 4096
.space 0xff8
// The arm is the ADRP alone.
one:
    alternative_begin
    nop
    alternative_arm 1
    adrp x0, datum
    alternative_end
    str x1, [x2]
    ldr x0, [x0, :lo12:datum]
.balign 4096
.space 0xff8
// The arm is all of it, with an instruction between.
two:
    alternative_begin
    nop
    nop
    nop
    nop
    nop
    alternative_arm 2
    nop
    adrp x0, datum
    stp x1, x2, [sp]
    add x3, x3, #1
    strb w1, [x0, :lo12:datum]
    alternative_end
.balign 4096
.space 0xff8
// The ADRP is the text's, and the arm what follows.
three:
    adrp x0, datum
    alternative_begin
    nop
    alternative_arm 3
    ldr x1, [x2]
    alternative_end
    nop
    ldr x0, [x0, :lo12:datum]
    ret
.pushsection .data, "aw"
.balign 8
datum: .quad 0
.popsection
