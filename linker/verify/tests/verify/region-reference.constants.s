// Bytes that no symbol covers do not belong to the symbol before them, and a path names the constant that is
// used.
// finding: own+0x10: points to outside
// finding: own+0x20: points to value
// finding: __hyp_inner+0x14: branches to outside
// path: own+0x10: __hyp_vectors, .hyp.rodata+0x8, outside
// path: own+0x20: __hyp_vectors, __hyp_inner, __hyp_deep, .hyp.rodata+0x18, value
// path: __hyp_inner+0x14: __hyp_vectors, __hyp_inner, .hyp.text+0x2c, outside
// script: support/namespace.ld
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors']\n"
manifest_end
.globl _start
fn _start
    branch_if_cap 1, 1f
1:
    adrp x0, __hyp_vectors
    add x0, x0, :lo12:__hyp_vectors
    // A bound of the kernel's is no way in.
    adrp x0, deep_start
    add x0, x0, :lo12:deep_start
end_fn _start
fn outside
end_fn outside
.data
.quad 0
value: .quad 0

.section .hyp.text, "ax"
.globl __hyp_vectors
fn __hyp_vectors
    adrp x0, own
    add x0, x0, :lo12:own
    adrp x1, .Lfirst
    add x1, x1, :lo12:.Lfirst
    // Nor is the table of pointers a way to what it lists.
    adrp x2, __hyp_pointers_start
    add x2, x2, :lo12:__hyp_pointers_start
    b __hyp_inner
.size __hyp_vectors, . - __hyp_vectors
fn __hyp_inner
    adrp x0, .Lmiddle
    add x0, x0, :lo12:.Lmiddle
    cbz x0, __hyp_deep
    b .Lcold
.size __hyp_inner, . - __hyp_inner
// Code without a symbol is one node, even if something refers to its middle.
.Lcold:
    mov x0, x1
.Lmiddle:
    b outside
.globl deep_start
deep_start:
fn __hyp_deep
    adrp x0, .Lsecond
    add x0, x0, :lo12:.Lsecond
end_fn __hyp_deep
.section .hyp.rodata, "a"
.type own, @object
own: .quad 0
.size own, . - own
// As vtables are: the pointer is not at the start.
.Lfirst: .quad 0, outside
.Lsecond: .quad 0, value
.type next, @object
next: .quad 0
.size next, . - next
.section .hyp.pointers, "a"
.globl __hyp_pointers_start
__hyp_pointers_start:
.long .Lfirst + 8 - ., .Lsecond + 8 - .
