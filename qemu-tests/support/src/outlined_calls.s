// Calls of outline atomics around two sites, and uses of helpers that stay. The macro `record` writes the
// record of a site: its label, and its length in words.
.section .text.sorted, "ax"
.globl sorted
sorted:
    bl __aarch64_ldadd8_relax
first:
    nop
    nop
    bl __aarch64_swp4_acq
second:
    nop
    bl __aarch64_ldadd8_relax
    bl __aarch64_ldadd8_relax
    ret
record first, 2
record second, 1
.section .text.left, "ax"
.globl left
left:
    b __aarch64_swp4_acq
inside:
    nop
    bl __aarch64_swp4_acq
    bl __aarch64_swp4_acq + 4
    adrp x0, __aarch64_swp4_acq
    .weak __aarch64_ldclr1_rel
    bl __aarch64_ldclr1_rel
    .inst 0xd503201f
    .reloc . - 4, R_AARCH64_CALL26, __aarch64_swp4_acq
record inside, 2
