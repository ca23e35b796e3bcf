// finding: site: has a site
// finding: branch: has a site
// path: site: enter, step
// path: branch: enter, step
// rules: region-noinstr.toml
// script: region-noinstr.ld
.globl _start
.type _start, @function
_start:
    bl enter
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
    alternative_begin
site:
    nop
    alternative_arm 1
    yield
    alternative_end
branch:
    branch_if_cap 1, 1f
    nop
1:
    ret
.size step, . - step
