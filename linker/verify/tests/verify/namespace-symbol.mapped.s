// finding: constant: names constant as data-rw: it is in .rodata, which is read-only
// finding: odd: names odd as data-ro: it is a function, in .data
// script: support/namespace.ld
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors']\n"
.ascii "allow.constant = 'data-rw'\n"
.ascii "allow.odd = 'data-ro'\n"
.ascii "allow.listed = 'data-ro'\n"
.ascii "mapped = { data-ro = ['.data'], data-rw = ['.rodata'] }\n"
manifest_end
.globl _start
fn _start
    branch_if_cap 1, 1f
1:
end_fn _start
.section .rodata, "a"
constant: .quad 0
// It can be written by the kernel, and the manifest says that this is so.
.data
listed: .quad 0
fn odd
end_fn odd
.section .hyp.text, "ax"
fn __hyp_vectors
end_fn __hyp_vectors
