// finding: call: the outline atomic ldadd8_relax
// finding: taken: the outline atomic ldadd8_relax
// finding: tail: the outline atomic swp4_acq
// help: call: loads and stores
.globl _start
_start:
    b .
.globl __alt_patcher_start
__alt_patcher_start:
    mov x9, x30
call:
    bl __aarch64_ldadd8_relax
taken:
    bl __aarch64_ldadd8_relax
    // Neither of these has a helper.
    ldar x0, [x1]
    ldxr x0, [x1]
    mov x30, x9
tail:
    b __aarch64_swp4_acq
.globl __alt_patcher_end
__alt_patcher_end:
__aarch64_ldadd8_relax:
    ret
__aarch64_swp4_acq:
    ret
raw_replacements
add_relax:
    .inst 0xf8200020
.popsection
raw_record taken, add_relax, 1, 1, 1
