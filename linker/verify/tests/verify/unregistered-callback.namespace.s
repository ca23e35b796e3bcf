// finding: site: not one of the callbacks
// script: support/namespace.ld
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors']\n"
manifest_end
.globl _start
fn _start
end_fn _start
fn function
end_fn function
.section .hyp.text, "ax"
fn __hyp_vectors
site:
    nop
end_fn __hyp_vectors
raw_record site, function, 1 << 15 | 1, 1, 1
