// finding: unregistered: names unregistered as callback: it is in .rodata, and not a callback
// finding: function: names function as data-ro: it is a function, in .text
// finding: unmapped: in unmapped .data (writable); [mapped] data-ro names .hyp_shared.rodata
// finding: constant: names constant as data-rw: it is in unmapped .rodata (read-only)
// finding: misplaced: names misplaced as data-rw: it is in unmapped .hyp_shared.rodata (read-only)
// finding: value: names value as eret-target: it is in .data, which is not text
// finding: __hyp_inner: it is in the namespace hyp, not in the kernel
// finding: __hyp_vhe_text_start: it is in the namespace hyp, not in the kernel
// finding: overlong: it extends beyond the end of .hyp_shared.rodata
// script: support/namespace.ld
// link: --defsym=text_end=__hyp_vectors
// The end of something of the kernel may be where the namespace begins.
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors']\n"
.ascii "allow.unregistered = 'callback'\n"
.ascii "allow.function = 'data-ro'\n"
.ascii "allow.unmapped = 'data-ro'\n"
.ascii "allow.constant = 'data-rw'\n"
.ascii "allow.misplaced = 'data-rw'\n"
.ascii "allow.value = 'eret-target'\n"
.ascii "allow.__hyp_inner = 'eret-target'\n"
.ascii "allow.__hyp_vhe_text_start = 'bound'\n"
.ascii "allow.text_end = 'bound'\n"
.ascii "allow.overlong = 'data-ro'\n"
.ascii "allow.config = 'data-ro'\n"
.ascii "mapped = { data-ro = ['.hyp_shared.rodata'], data-rw = ['.hyp_shared.data'] }\n"
manifest_end
.globl _start
fn _start
    branch_if_cap 1, 1f
1:
end_fn _start
fn function
end_fn function
.section .rodata, "a"
unregistered: .quad 0, 0, 0
constant: .quad 0
.section .hyp_shared.rodata, "a"
config: .quad 0
misplaced: .quad 0
overlong: .quad 0
.size overlong, 16
.section .hyp_shared.data, "aw"
.quad 0
.data
unmapped: .quad 0
value: .quad 0
.section .hyp.vhe.text, "ax"
.globl __hyp_vhe_text_start
__hyp_vhe_text_start: ret
.section .hyp.text, "ax"
.globl __hyp_vectors
fn __hyp_vectors
    b __hyp_inner
end_fn __hyp_vectors
fn __hyp_inner
end_fn __hyp_inner
