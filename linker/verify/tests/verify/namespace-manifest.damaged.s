// finding: image: .alt_namespaces (hyp.vhe):2:1: unknown key `export`
// script: support/namespace.ld
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors']\n"
manifest_end
manifest_begin
.ascii "name = \"hyp.vhe\"\n"
.ascii "exports = ['vectors']\n"
.ascii "export = 1\n"
manifest_end
.globl _start
fn _start
    branch_if_cap 1, 1f
1:
end_fn _start
.section .hyp.text, "ax"
fn __hyp_vectors
end_fn __hyp_vectors
