// finding: site: is computed by unlisted
// finding: middle: it is in alt_callbacks, and not a callback
// finding: inside: in the namespace hyp: the kernel cannot call it
// script: support/namespace.ld
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors']\n"
.ascii "allow.listed = 'callback'\n"
.ascii "allow.middle = 'callback'\n"
.ascii "allow.inside = 'callback'\n"
manifest_end
.globl _start
fn _start
end_fn _start
fn compute
end_fn compute
.pushsection alt_callbacks, "aR", @progbits
listed: .quad 0
middle: .quad 0, compute
unlisted: .quad 0, 0, compute
inside: .quad 0, 0, __hyp_compute
.popsection
.section .hyp.text, "ax"
fn __hyp_vectors
    nop
site:
    nop
first:
    nop
end_fn __hyp_vectors
fn __hyp_compute
end_fn __hyp_compute
raw_record site, unlisted, 1 << 15 | 1, 1, 1
raw_record first, listed, 1 << 15 | 1, 1, 1
