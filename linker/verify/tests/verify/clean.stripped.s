// drop: symbols
// caps: A B C D E F G H
// script: stripped.ld
// What is true of the whole text is true of no function, the kernel's own bounds say where the
// callbacks are, and the room for the plan ends before its page does.
.globl _start
.type _start, @function
_start:
    alternative_begin
    nop
    alternative_cb 1, computed
    alternative_end
    branch_if_cap 1, 1f
    nop
1:
    b .
.size _start, . - _start
.type compute, @function
compute:
    ret
.size compute, . - compute
.section alt_callbacks, "aR", @progbits
.globl computed
computed: .quad 0, 0, compute
.section .rodata.alt_bounds, "a"
.balign 8
.irp section, alt_branches, alt_records, alt_replacements, alt_plan, alt_callbacks, alt_plan_size
.weak __start_\section, __stop_\section
.xword __start_\section - .
.xword __stop_\section - .
.endr
