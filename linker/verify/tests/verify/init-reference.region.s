// finding: reads: uses the address of setting
// path: reads: enter, setting
// rules: init-reference.region.toml
// script: region-noinstr.ld
// The region may refer to it, but it is freed.
.globl __alt_layout_version
.set __alt_layout_version, 2
.globl _start
.type _start, @function
_start:
    bl enter
    b .
.size _start, . - _start
.section .init.data, "aw"
.quad 0
setting: .quad 0
.section .noinstr.text, "ax"
.type enter, @function
enter:
    adrp x0, setting
reads:
    ldr x0, [x0, :lo12:setting]
    ret
.size enter, . - enter
