// finding: _ZN11alt_runtime5Image3new17h0123456789abcdefE: is not between `__text_start` and `__text_end`
// script: shapes/moss.ld
// The section is in the pages that user space may execute.
.globl _start
_start:
    b .
.pushsection .vdso, "ax"
vdso_time:
    ret
.popsection
.pushsection .init.text.alt_image, "ax"
fn _ZN11alt_runtime5Image3new17h0123456789abcdefE
end_fn _ZN11alt_runtime5Image3new17h0123456789abcdefE
.popsection
.pushsection .bss.counter, "aw", @nobits
counter: .skip 64
.popsection
raw_plan_room 0
