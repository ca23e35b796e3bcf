// finding: push: has `scs`
// finding: pop: has `scs`
// finding: float: has `fp-simd`
// finding: site: has `fp-simd`
// path: pop: __hyp_vectors, __hyp_pops
// path: site: __hyp_vectors, __hyp_site
// script: support/namespace.ld
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors']\n"
manifest_end
manifest_begin
.ascii "name = \"hyp.vhe\"\n"
.ascii "exports = ['vectors']\n"
.ascii "code.fp-simd = 'allowed'\n"
manifest_end
.globl _start
fn _start
    str x30, [x18], #8
    fmov d0, x0
end_fn _start
.section .hyp.text, "ax"
.globl __hyp_vectors
fn __hyp_vectors
push:
    str x30, [x18], #8
    bl __hyp_pops
    b __hyp_site
end_fn __hyp_vectors
fn __hyp_pops
float:
    str q0, [x0]
pop:
    ldr x30, [x18, #-8]!
end_fn __hyp_pops
fn __hyp_site
    alternative_begin
site:
    nop
    alternative_arm 1
    fmov d0, x0
    alternative_end
end_fn __hyp_site
.section .hyp.vhe.text, "ax"
fn __hyp_vhe_vectors
    str q0, [x0]
end_fn __hyp_vhe_vectors
