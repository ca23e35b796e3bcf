// What no symbol covers is no part of the symbol before it, and a path goes by the constant that
// is used.
// finding: own+0x10: points to outside
// finding: own+0x20: points to value
// finding: __hyp_inner+0xc: goes to outside
// path: own+0x10: __hyp_vectors, .hyp.rodata+0x8, outside
// path: own+0x20: __hyp_vectors, __hyp_inner, .hyp.rodata+0x18, value
// path: __hyp_inner+0xc: __hyp_vectors, __hyp_inner, .hyp.text+0x20, outside
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
    b __hyp_inner
.size __hyp_vectors, . - __hyp_vectors
fn __hyp_inner
    adrp x0, .Lsecond
    add x0, x0, :lo12:.Lsecond
    b .Lcold
.size __hyp_inner, . - __hyp_inner
.Lcold:
    b outside
fn __hyp_last
end_fn __hyp_last
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
.long .Lfirst + 8 - ., .Lsecond + 8 - .
