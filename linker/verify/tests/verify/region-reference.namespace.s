// finding: calls: the region hyp branches to memcpy
// finding: reads: uses the address of value
// finding: pointer: points to memcpy
// finding: listed: which its manifest allows for code
// finding: names: which its manifest allows as callback alone
// finding: returns: which its manifest allows as eret-target alone
// finding: beyond: , which is after the end of the symbol that its manifest allows
// finding: other: branches to __hyp_vhe_init
// finding: checked: branches to __stack_chk_fail
// path: calls: __hyp_vectors, demo_hyp::share.hyp, memcpy
// path: names: __hyp_kinds, compute
// path: reads: __hyp_vectors, demo_hyp::share.hyp, value
// path: checked: __hyp_checked, __stack_chk_fail
// script: support/namespace.ld
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors']\n"
.ascii "allow.compute = 'callback'\n"
.ascii "allow.config = 'data-ro'\n"
.ascii "mapped.data-ro = ['.data']\n"
.ascii "allow.landing = 'eret-target'\n"
manifest_end
manifest_begin
.ascii "name = \"hyp.vhe\"\n"
.ascii "exports = ['init']\n"
manifest_end
.globl _start, landing, memcpy, __stack_chk_fail
fn _start
    branch_if_cap 1, 1f
1:
end_fn _start
fn landing
end_fn landing
fn memcpy
end_fn memcpy
fn __stack_chk_fail
end_fn __stack_chk_fail
.pushsection alt_callbacks, "aR", @progbits
.globl compute
compute: .quad 0, 0, landing
.popsection
.data
.quad 0
value: .quad 0
.globl config
config: .quad 0
.size config, . - config
.quad 0, 0

.section .hyp.text, "ax"
.globl __hyp_vectors
fn __hyp_vectors
    b _ZN8demo_hyp5share17h0123456789abcdefE.hyp
end_fn __hyp_vectors
fn _ZN8demo_hyp5share17h0123456789abcdefE.hyp
calls:
    bl memcpy
    adrp x0, value
reads:
    ldr x0, [x0, :lo12:value]
end_fn _ZN8demo_hyp5share17h0123456789abcdefE.hyp
// Callbacks are for records, and what ERET leads to cannot be called.
fn __hyp_kinds
    adrp x0, compute
names:
    add x0, x0, :lo12:compute
returns:
    b landing
    // A reference to its end is allowed, for loops over it; the memory there belongs to another part.
    adrp x0, config + 8
    add x0, x0, :lo12:config + 8
    adrp x0, config + 16
beyond:
    ldr x0, [x0, :lo12:config + 16]
end_fn __hyp_kinds
fn __hyp_variants
other:
    bl __hyp_vhe_init
end_fn __hyp_variants
fn __hyp_checked
checked:
    bl __stack_chk_fail
end_fn __hyp_checked
.section .hyp.data, "aw"
pointer: .quad memcpy
listed: .quad config
.section .hyp.pointers, "a"
.long pointer - ., listed - .
.section .hyp.vhe.text, "ax"
.globl __hyp_vhe_init
fn __hyp_vhe_init
end_fn __hyp_vhe_init
