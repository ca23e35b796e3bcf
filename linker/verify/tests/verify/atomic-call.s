// finding: call: 2 calls of outline atomics are not sites; the first is ldadd8_relax
.globl _start
_start:
call:
    bl __aarch64_ldadd8_relax
    bl __aarch64_cas16_acq_rel
    // The kernel's own helper, whose calls nothing can take.
    bl __aarch64_swp4_acq
taken:
    bl __aarch64_ldadd8_relax
    // Not calls.
    b __aarch64_ldadd8_relax
__aarch64_ldadd8_relax:
    ret
__aarch64_cas16_acq_rel:
    ret
__aarch64_swp4_acq:
    ret
raw_replacements
__alt_atomic_ldadd8_relax:
    .inst 0xf8200020
__alt_atomic_cas16_acq_rel:
    .inst 0x4860fc82
.popsection
raw_record taken, __alt_atomic_ldadd8_relax, 1, 1, 1
