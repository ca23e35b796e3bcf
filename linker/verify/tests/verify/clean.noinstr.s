// rules: region-noinstr.toml
// script: region-noinstr.ld
// Each function is moved elsewhere by a test, too. The names of the sections are changed then.
.globl __alt_layout_version
.set __alt_layout_version, 2
.globl _start
.type _start, @function
_start:
    bl enter
    b .
.size _start, . - _start
.section .noinstr.text, "ax" // enter
.type enter, @function
enter:
    mov x9, x30
    bl step
    ret x9
.size enter, . - enter
.section .noinstr.text, "ax" // step
.type step, @function
step:
    cbz x0, leave
    ret
.size step, . - step
.section .noinstr.text, "ax" // leave
.type leave, @function
leave:
    br x0
.size leave, . - leave
