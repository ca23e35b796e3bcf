// `scs/good` and `mutate/good` of the corpus, linked at 0x40200000, the sections in this order:
// .text, .eh_frame, alt_branches, alt_records, alt_replacements, alt_plan.
// Two functions with pac-ret, and two sites.
.text
.globl _start
.type _start,@function
_start:
.cfi_startproc
paciasp
.cfi_negate_ra_state
stp x29, x30, [sp, #-16]!
.cfi_def_cfa_offset 16
.cfi_offset w30, -8
.cfi_offset w29, -16
.Lsite:
nop
.Lbranch:
nop
bl leaf
cbz x0, 1f
.cfi_remember_state
ldp x29, x30, [sp], #16
.cfi_def_cfa_offset 0
.cfi_restore w30
.cfi_restore w29
autiasp
.cfi_negate_ra_state
ret
1:
.cfi_restore_state
ldp x29, x30, [sp], #16
.cfi_def_cfa_offset 0
.cfi_restore w30
.cfi_restore w29
autiasp
.cfi_negate_ra_state
ret
.cfi_endproc
.size _start, . - _start
.type leaf,@function
leaf:
.cfi_startproc
ret
.cfi_endproc
.size leaf, . - leaf
.globl __alt_layout_version
.set __alt_layout_version, 2
.section alt_replacements,"ao",@progbits,.text
.Lreplacement:
add x0, x0, #2
.section alt_records,"ao",@progbits,.text
.p2align 2
.word .Lsite - ., .Lreplacement - .
.hword 2
.byte 1, 1
.section alt_branches,"ao",@progbits,.text
.word .Lbranch - .
.hword 1, 4
.section alt_plan,"awo",@nobits,.text
.zero 24
