// finding: enter+0x4: has a site
// rules: region-noinstr.toml
// script: region-noinstr.ld
// A call of an outline atomic is a site, so early code such as this is found. It branches to a helper of
// its own region, or region-reference would find it, too.
.globl _start
.type _start, @function
_start:
    bl enter
    b .
.size _start, . - _start
.section .noinstr.text, "ax"
.type enter, @function
enter:
    nop
    bl __aarch64_ldadd8_relax
    ret
.size enter, . - enter
.type __aarch64_ldadd8_relax, @function
__aarch64_ldadd8_relax:
    ret
.size __aarch64_ldadd8_relax, . - __aarch64_ldadd8_relax
raw_replacements
add_relax:
    .inst 0xf8200020
.popsection
raw_record enter + 4, add_relax, 1, 1, 1
