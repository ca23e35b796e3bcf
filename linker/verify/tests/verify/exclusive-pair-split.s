// finding: around: the arm
// finding: exception: the arm
// finding: default: the default
// finding: inside+0x4: the arm
.arch_extension lse
.globl _start
_start:
    b .
// The pair is the text's, the load the arm's.
1:
    ldxr x0, [x1]
around:
    alternative_begin
    nop
    alternative_arm 1
    ldr x2, [x3]
    alternative_end
    add x0, x0, x2
    stxr w4, x0, [x1]
    cbnz w4, 1b
2:
    ldaxr w0, [x1]
    cbz w0, 3f
exception:
    alternative_begin
    nop
    alternative_arm 2
    hvc #0
    alternative_end
    stlxr w4, w0, [x1]
    cbnz w4, 2b
3:
    ldxp x0, x5, [x1]
default:
    alternative_begin
    str x2, [x3]
    alternative_nops 3
    alternative_end
    stxp w4, x0, x5, [x1]
// The arm brings a pair of its own.
inside:
    alternative_begin
    nop
    nop
    nop
    alternative_arm 4
    ldxr x0, [x1]
    ldr x2, [x3]
    stxr w4, x0, [x1]
    alternative_end
// No finding: a loop that is the site, and instructions outside of pairs.
    alternative_begin
4:
    ldxr x0, [x1]
    add x0, x0, #1
    stxr w2, x0, [x1]
    cbnz w2, 4b
    alternative_arm 5
    stadd x0, [x1]
    alternative_end
5:
    ldxr x0, [x1]
    alternative_begin
    nop
    alternative_arm 6
    yield
    alternative_end
    stxr w2, x0, [x1]
    alternative_begin
    nop
    alternative_arm 7
    ldr x2, [x3]
    alternative_end
    clrex
    ret
