// finding: site: wrong page
.globl _start
_start:
    b .
.balign 4096
.space 0xff8
site:
    nop
    str x1, [x2]
    ldr x0, [x0, :lo12:datum]
    ret
arm:
    adrp x0, datum
linux_record site, arm, 1, 4, 4
.pushsection .data, "aw"
.balign 8
datum: .quad 0
.popsection
