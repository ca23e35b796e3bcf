// finding: calls: branches to __hyp_vectors
// finding: pointer: points to __hyp_inner
// script: support/namespace.ld
// drop: relocations
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors']\n"
manifest_end
.globl _start
fn _start
calls:
    bl __hyp_vectors
    adrp x0, __hyp_vectors
    add x0, x0, :lo12:__hyp_vectors
    branch_if_cap 1, 1f
1:
end_fn _start
.data
pointer: .quad __hyp_inner, __hyp_vectors
.section .hyp.text, "ax"
.globl __hyp_vectors
fn __hyp_vectors
    b __hyp_inner
end_fn __hyp_vectors
fn __hyp_inner
end_fn __hyp_inner
