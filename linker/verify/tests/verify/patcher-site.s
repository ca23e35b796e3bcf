// finding: _RNvNtNtCs1_11alt_runtime4arch6commit6commit+0x4: rewrites text
// finding: _RNvNtNtCs1_11alt_runtime4arch4wait17wait_if_requested: rewrites text
// The names of the two routines, in the new mangling and the old one's shape.
.globl _start
_start:
    b .
.section .text.alt_patcher, "ax"
.type _RNvNtNtCs1_11alt_runtime4arch6commit6commit, @function
_RNvNtNtCs1_11alt_runtime4arch6commit6commit:
    mov x0, x1
inner:
    nop
    ret
.size _RNvNtNtCs1_11alt_runtime4arch6commit6commit, . - _RNvNtNtCs1_11alt_runtime4arch6commit6commit
.type _RNvNtNtCs1_11alt_runtime4arch4wait17wait_if_requested, @function
_RNvNtNtCs1_11alt_runtime4arch4wait17wait_if_requested:
    nop
    ret
.size _RNvNtNtCs1_11alt_runtime4arch4wait17wait_if_requested, . - _RNvNtNtCs1_11alt_runtime4arch4wait17wait_if_requested
raw_branch inner, 1, 1
raw_branch _RNvNtNtCs1_11alt_runtime4arch4wait17wait_if_requested, 2, 1
