// finding: one: 0xff8
// finding: two+0x4: 0xffc
.globl _start
_start:
    b .
.balign 4096
.space 0xff8
// Nothing but the ADRP.
one:
    alternative_begin
    nop
    alternative_arm 1
    adrp x0, _start
    alternative_end
    ret
.balign 4096
.space 0xff8
// A load pair is not part of the sequence.
two:
    alternative_begin
    nop
    nop
    nop
    nop
    alternative_arm 2
    nop
    adrp x0, _start
    ldp x1, x2, [sp]
    ldr x0, [x0, #8]
    alternative_end
.balign 4096
.space 0xff4
// Not one of the last two words.
    alternative_begin
    nop
    alternative_arm 3
    adrp x0, _start
    alternative_end
    ret
