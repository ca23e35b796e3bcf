// finding: pointer: points to outside
// finding: unaligned: points to outside
// rules: region-reference.toml
// script: region-reference.ld
// link: -pie
// link: -zpack-relative-relocs
// drop: relocations
// .relr.dyn lists most pointers for a loader; .rela.dyn lists those that it cannot encode.
.globl _start
.type _start, @function
_start:
    branch_if_cap 1, 1f
1:
    b .
.size _start, . - _start
.type outside, @function
outside:
    ret
.size outside, . - outside
.type allowed, @function
allowed:
    ret
.size allowed, . - allowed
.section .hyp.text, "ax"
.type hyp_entry, @function
hyp_entry:
    ret
.size hyp_entry, . - hyp_entry
.section .hyp.data, "aw"
.balign 8
pointer: .quad outside, hyp_entry, allowed
.size pointer, 24
.type pointer, @object
.byte 0
.type unaligned, @object
unaligned: .quad outside
.size unaligned, 8
