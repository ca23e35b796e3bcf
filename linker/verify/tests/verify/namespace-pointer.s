// finding: missing: is not in its table of pointers
// finding: literal: is not in its table of pointers
// finding: surplus: is not for an absolute address
// finding: twice: they must ascend
// finding: late: they must ascend
// finding: unaligned: is not a multiple of 8
// finding: outside: is not in its data
// finding: text: is not in its data
// finding: null: contains 0x0, which is not an address of the image
// finding: empty: has no pointer in the file
// finding: short: has a form that cannot be converted at boot
// finding: moved: has a form that cannot be converted at boot
// script: support/namespace.ld
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors', 'bss']\n"
manifest_end
.globl _start
fn _start
    branch_if_cap 1, 1f
1:
end_fn _start
.data
kernel: .quad _start
.section .hyp.text, "ax"
.globl __hyp_vectors
fn __hyp_vectors
moved:
    movz x0, #:abs_g0_nc:__hyp_vectors
    b literal + 8
.balign 8
literal: .quad __hyp_vectors
end_fn __hyp_vectors
.section .hyp.rodata, "a"
good: .quad __hyp_vectors
end: .quad limit
surplus: .quad 0x40200000
nothing: .quad 0
short: .long __hyp_vectors
.long 0
missing: .quad __hyp_vectors
limit:
.section .hyp.pointers, "a"
.long good - ., end - ., surplus - .
twice: .long surplus - .
late: .long good - .
unaligned: .long good + 4 - .
outside: .long kernel - .
text: .long literal - .
null: .long nothing - .
empty: .long __hyp_bss - .
.section .hyp.bss, "aw", @nobits
.globl __hyp_bss
__hyp_bss: .skip 8
