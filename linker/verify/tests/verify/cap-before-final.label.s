// The function of a callback may have a second entry after its start.
// finding: site: shared runs inside the pass, as a callback
// caps: ZERO ONE
.globl _start
fn _start
    alternative_begin
    nop
    alternative_cb 1, computed
    alternative_end
end_fn _start
fn shared
    mov x9, x0
entry:
    mov x10, x1
site:
    branch_if_cap 1, 1f
1:
end_fn shared
.section alt_callbacks, "aR", @progbits
computed: .quad 0, 0, entry
