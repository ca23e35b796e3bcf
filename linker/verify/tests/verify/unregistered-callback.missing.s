// finding: site: not one of the callbacks
// script: support/namespace.ld
// drop: relocations
// An undefined symbol, in a link that permits them.
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors']\n"
.ascii "allow.nowhere = 'callback'\n"
manifest_end
.globl _start
fn _start
end_fn _start
.weak nowhere
.section .hyp.text, "ax"
fn __hyp_vectors
site:
    nop
end_fn __hyp_vectors
raw_record site, nowhere, 1 << 15 | 1, 1, 1
