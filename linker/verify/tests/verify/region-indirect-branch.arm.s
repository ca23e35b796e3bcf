// finding: site: which the site
// path: site: enter
// rules: region-noinstr.arm.toml
// script: region-noinstr.ld
.globl _start
.type _start, @function
_start:
    bl enter
    b .
.size _start, . - _start
.section .noinstr.text, "ax"
.type enter, @function
enter:
    alternative_begin
site:
    nop
    alternative_arm 1
    br x0
    alternative_end
    ret
.size enter, . - enter
.type leave, @function
leave:
    alternative_begin
    nop
    alternative_arm 1
    blr x0
    alternative_end
    ret
.size leave, . - leave
