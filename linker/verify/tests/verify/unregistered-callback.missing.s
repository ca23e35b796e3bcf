// finding: site: not one of the callbacks
// script: support/namespace.ld
// drop: relocations
// A symbol that is nowhere, where the linker has been told to make do without.
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
