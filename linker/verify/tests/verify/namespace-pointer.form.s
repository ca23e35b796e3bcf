// finding: table: does not consist of aligned 32-bit entries
// script: support/namespace.ld
// drop: relocations
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors']\n"
manifest_end
.globl _start
fn _start
    branch_if_cap 1, 1f
1:
end_fn _start
.section .hyp.text, "ax"
fn __hyp_vectors
end_fn __hyp_vectors
.section .hyp.pointers, "a"
table: .long 0
.byte 0
