// finding: wrong: ldadd8_relax
// finding: nothing: swp4_acq
.globl _start
_start:
right:
    bl __aarch64_ldadd8_relax
wrong:
    bl __aarch64_ldadd8_relax
nothing:
    bl __aarch64_swp4_acq
other:
    bl function
function:
    ret
__aarch64_ldadd8_relax:
    ret
__aarch64_swp4_acq:
    ret
raw_replacements
add_relax:
    .inst 0xf8200020
add_acquire:
    .inst 0xf8a00020
.popsection
raw_record right, add_relax, 1, 1, 1
raw_record wrong, add_acquire, 1, 1, 1
raw_record nothing, add_relax, 1, 1, 1
raw_record other, add_relax, 1, 1, 1
