// finding: sign: `paciasp` becomes `nop`, and is not a landing pad any more
// finding: check: `autiasp` becomes
// finding: back: `retaa` becomes `ret`
.arch_extension pauth
.globl _start
_start:
    b .
sign:
    alternative_begin
    paciasp
    alternative_nops 1
    alternative_end
check:
    alternative_begin
    autiasp
    alternative_arm 1
    xpaclri
    alternative_end
back:
    alternative_begin
    retaa
    alternative_arm 1
    ret
    alternative_end
