// finding: call: `blr x1`
// finding: signed: `braaz x2`
// path: call: enter, step
// path: signed: tail
// rules: region-noinstr.toml
// script: region-noinstr.ld
.arch_extension pauth
.globl _start
.type _start, @function
_start:
    bl enter
    blr x0
    branch_if_cap 1, 1f
1:
    b .
.size _start, . - _start
.section .noinstr.text, "ax"
.type enter, @function
enter:
    b step
.size enter, . - enter
.type step, @function
step:
call:
    blr x1
    // Once for each function.
    blr x1
    b leave
.size step, . - step
// The rules say that it may.
.type leave, @function
leave:
    br x0
.size leave, . - leave
.type tail, @function
tail:
signed:
    braaz x2
.size tail, . - tail
