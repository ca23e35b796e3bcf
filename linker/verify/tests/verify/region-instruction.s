// finding: register: has `mrs tpidr_el0`
// finding: float: has `fp-simd`
// finding: shadow: has `scs`
// finding: call: `hvc #0x0`
// rules: region-instruction.toml
.globl _start
.type _start, @function
_start:
    mrs x0, tpidr_el0
    fmov d0, x0
    bl hyp_one
    b .
.size _start, . - _start
.type hyp_one, @function
hyp_one:
    mrs x0, tpidr_el1
register:
    mrs x0, tpidr_el0
float:
    fadd d0, d0, d0
shadow:
    str x30, [x18], #8
call:
    hvc #0
    ret
.size hyp_one, . - hyp_one
.globl __alt_layout_version
.set __alt_layout_version, 2
