// finding: __image_end: is not before `__image_end`
// script: shapes/moss.ld
// The room for the plan is an orphan section after the end symbol of the kernel, where the mapping of boot
// ends.
.globl _start
_start:
site:
    nop
    b .
.pushsection .bss.counter, "aw", @nobits
counter: .skip 64
.popsection
branch_record site, 1, 1
orphan_plan 1
