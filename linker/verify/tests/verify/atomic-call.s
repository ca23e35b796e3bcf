// finding: call: 2 calls of outline atomics are no sites; the first is ldadd8_relax
.globl _start
_start:
call:
    bl __aarch64_ldadd8_relax
    bl __aarch64_cas16_acq_rel
taken:
    bl __aarch64_ldadd8_relax
    // Not calls.
    b __aarch64_ldadd8_relax
__aarch64_ldadd8_relax:
    ret
__aarch64_cas16_acq_rel:
    ret
raw_replacements
__alt_atomic_ldadd8_relax:
    .inst 0xf8200020
.popsection
raw_record taken, __alt_atomic_ldadd8_relax, 1, 1, 1
