// finding: intruder: branches to hyp_inner
// finding: pointer: points to hyp_inner
// rules: region-caller.toml
// Bounds are symbols here, since all text is one output section.
.globl _start
.type _start, @function
_start:
    bl hyp_entry
    b .
.size _start, . - _start
.type intruder, @function
intruder:
    b hyp_inner
.size intruder, . - intruder
.data
pointer: .quad hyp_inner
.section .text.hyp, "ax"
.globl hyp_start
hyp_start:
.type hyp_entry, @function
hyp_entry:
    bl hyp_inner
    ret
.size hyp_entry, . - hyp_entry
.type hyp_inner, @function
hyp_inner:
    alternative_begin
    nop
    alternative_arm 1
    yield
    alternative_end
    ret
.size hyp_inner, . - hyp_inner
.globl hyp_end
hyp_end:
.globl after
after:
    ret
