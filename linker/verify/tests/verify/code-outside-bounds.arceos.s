// finding: _ZN11alt_runtime5Image3new17h0123456789abcdefE: is not between `_stext` and `_etext`
// script: shapes/arceos.ld
// No pattern of the text matches this section, so the linker places it after the text.
.globl _start
_start:
    b .
.pushsection .init.text.alt_image, "ax"
fn _ZN11alt_runtime5Image3new17h0123456789abcdefE
end_fn _ZN11alt_runtime5Image3new17h0123456789abcdefE
.popsection
.pushsection .rodata, "a"
.quad _start
.popsection
.pushsection .bss.counter, "aw", @nobits
counter: .skip 64
.popsection
raw_plan_room 0
