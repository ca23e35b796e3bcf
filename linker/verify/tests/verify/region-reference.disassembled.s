// finding: call: branches to outside
// finding: load: uses the address of value
// finding: literal: uses the address of value
// finding: pointer: points to outside
// finding: site: uses the address of value
// drop: relocations
// rules: region-reference.toml
// script: region-reference.ld
.globl _start
.type _start, @function
_start:
    bl hyp_call
    b .
.size _start, . - _start
.type outside, @function
outside:
    ret
.size outside, . - outside
.data
.quad 0
value: .quad 0

.section .hyp.text, "ax"
.macro function name
.type \name, @function
\name:
.endm
.macro end name
    ret
.size \name, . - \name
.endm
function hyp_call
call:
    bl outside
    // What the call may have changed is no page any more.
    ldr x0, [x0, #8]
end hyp_call
function hyp_load
    adrp x1, value
    add x2, x3, #8
load:
    ldr x0, [x1, :lo12:value]
end hyp_load
function hyp_literal
literal:
    adr x0, value
end hyp_literal
function hyp_site
    alternative_begin
site:
    nop
    nop
    alternative_arm 1
    adrp x0, value
    add x0, x0, :lo12:value
    alternative_end
end hyp_site
.section .hyp.data, "aw"
.byte 1
.balign 8
pointer: .quad outside
