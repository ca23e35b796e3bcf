// finding: first: uses x18
// finding: second: `mov w18, w0`
// finding: site: can become
// path: first: __hyp_vectors
// path: second: __hyp_vectors, core::fmt::write.hyp
// script: support/namespace.ld
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors']\n"
.ascii "code.x18 = 'forbidden'\n"
manifest_end
.globl _start
fn _start
    mov x18, x0
end_fn _start
.section .hyp.text, "ax"
.globl __hyp_vectors
fn __hyp_vectors
first:
    stp x17, x18, [sp]
    mov x18, x0
    bl _RNvNtCsa_4core3fmt5write.hyp
    b __hyp_site
end_fn __hyp_vectors
fn _RNvNtCsa_4core3fmt5write.hyp
second:
    mov w18, w0
end_fn _RNvNtCsa_4core3fmt5write.hyp
fn __hyp_site
    alternative_begin
site:
    nop
    alternative_arm 1
    mov x0, x18
    alternative_end
end_fn __hyp_site
