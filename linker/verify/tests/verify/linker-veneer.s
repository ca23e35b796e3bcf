// finding: site: the default branches to the linker's veneer __AArch64AbsLongThunk_far
// finding: other: the arm branches to the linker's veneer __AArch64AbsLongThunk_far
// script: far.ld
.globl _start
_start:
site:
    alternative_begin
    bl far
    alternative_nops 1
    alternative_end
other:
    alternative_begin near
    nop
    alternative_arm 2
    bl far
    alternative_end
    b .
.pushsection .text.far, "ax"
.globl far
far:
    ret
.popsection
