// finding: call: branches to helper
// path: call: alt_runtime::arch::commit::commit, helper
// What it calls has a site, which may be the one that is changing.
.globl _start
_start:
    b .
fn helper
    branch_if_cap 1, 1f
    nop
1:
end_fn helper
.section .text.alt_patcher, "ax"
.type _RNvNtNtCs1_11alt_runtime4arch6commit6commit, @function
_RNvNtNtCs1_11alt_runtime4arch6commit6commit:
    mov x9, x30
call:
    bl helper
    ret x9
.size _RNvNtNtCs1_11alt_runtime4arch6commit6commit, . - _RNvNtNtCs1_11alt_runtime4arch6commit6commit
