// finding: call: `blr x0`
// finding: site: can become
// path: call: __hyp_vectors, demo_hyp::inner.hyp
// script: support/namespace.ld
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors']\n"
.ascii "code.indirect-calls = ['dispatch']\n"
manifest_end
.globl _start
fn _start
    blr x0
end_fn _start
.section .hyp.text, "ax"
.globl __hyp_vectors
fn __hyp_vectors
    b _ZN8demo_hyp5inner17h0123456789abcdefE.hyp
end_fn __hyp_vectors
fn _ZN8demo_hyp5inner17h0123456789abcdefE.hyp
call:
    blr x0
end_fn _ZN8demo_hyp5inner17h0123456789abcdefE.hyp
fn _ZN8demo_hyp8dispatch17h0123456789abcdefE.hyp
    blr x0
end_fn _ZN8demo_hyp8dispatch17h0123456789abcdefE.hyp
fn __hyp_site
    alternative_begin
site:
    nop
    alternative_arm 1
    br x0
    alternative_end
end_fn __hyp_site
