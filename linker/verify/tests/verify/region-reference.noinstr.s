// finding: formats: branches to core::fmt::write
// finding: helps: branches to helper
// finding: reads: uses the address of setting
// path: formats: enter, step, core::fmt::write
// path: helps: enter, helper
// path: reads: enter, step, setting
// rules: region-noinstr.toml
// script: region-noinstr.ld
// Formatting, a function outside of the section, and data that is freed.
.globl __alt_layout_version
.set __alt_layout_version, 2
.globl _start
.type _start, @function
_start:
    bl enter
    b .
.size _start, . - _start
.type helper, @function
helper:
    ret
.size helper, . - helper
.type _RNvNtCsa_4core3fmt5write, @function
_RNvNtCsa_4core3fmt5write:
    ret
.size _RNvNtCsa_4core3fmt5write, . - _RNvNtCsa_4core3fmt5write
.section .init.data, "aw"
.quad 0
setting: .quad 0
.section .noinstr.text, "ax"
.type enter, @function
enter:
    bl step
helps:
    bl helper
    ret
.size enter, . - enter
.type step, @function
step:
    adrp x0, setting
reads:
    ldr x0, [x0, :lo12:setting]
formats:
    bl _RNvNtCsa_4core3fmt5write
    ret
.size step, . - step
