// A callback's function whose symbol has been stripped is neither the function before it nor the one
// after it.
.globl _start
.type _start, @function
_start:
    alternative_begin
    nop
    alternative_cb 1, computed
    alternative_end
    branch_if_cap 1, 1f
1:
    b .
.size _start, . - _start
.Lcompute:
    ret
.Lasks:
    branch_if_cap 1, 1f
1:
    ret
.section alt_callbacks, "aR", @progbits
computed: .quad 0, 0, .Lcompute
