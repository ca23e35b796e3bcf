// finding: site: __CortexA53843419_
// The linker breaks the sequence of the erratum by moving its last instruction, the site's.
// link: --fix-cortex-a53-843419
.globl _start
_start:
    b .
.balign 4096
.space 0xff8
    adrp x0, datum
    ldr x1, [x2]
site:
    alternative_begin
    ldr x0, [x0, :lo12:datum]
    alternative_nops 1
    alternative_end
    ret
.pushsection .data, "aw"
.balign 8
datum: .quad 0
.popsection
