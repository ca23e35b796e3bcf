// finding: one: 0xffffffff of the default
// finding: two: 0xffffffff of the arm
// New instructions are known; UDF is meant.
.arch_extension sve
.globl _start
_start:
one:
    alternative_begin
    .inst 0xffffffff
    alternative_nops 1
    alternative_end
two:
    alternative_begin
    ptrue p0.b
    alternative_arm 2
    .inst 0xffffffff
    alternative_end
    alternative_begin
    nop
    nop
    nop
    alternative_arm 2
    udf #1
    ptrue p0.b
    whilelo p1.s, x0, x1
    alternative_end
    b .
