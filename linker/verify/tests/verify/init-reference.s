// finding: call: branches to setup
// finding: load: uses the address of value
// finding: pointer: points to setup
.globl __alt_layout_version
.set __alt_layout_version, 2
.globl _start
.type _start, @function
_start:
    adrp x1, __init_begin
    add x1, x1, :lo12:__init_begin
    adrp x1, __init_end
    add x1, x1, :lo12:__init_end
    // The second word, as a compiler makes its address.
    adrp x1, __init_begin + 4
    add x1, x1, :lo12:__init_begin + 4
call:
    bl setup
    adrp x0, value
load:
    ldr x0, [x0, :lo12:value]
    b .
.size _start, . - _start
.data
pointer: .quad setup
.section .init.text, "ax"
first: nop
    ret
.type setup, @function
setup:
    bl _start
    ret
.size setup, . - setup
value: .quad 0
