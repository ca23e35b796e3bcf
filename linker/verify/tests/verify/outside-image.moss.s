// finding: __image_end: is not before `__image_end`
// script: shapes/moss.ld
// The room for the plan, an orphan, begins where the kernel ends: what is mapped at boot ends there.
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
