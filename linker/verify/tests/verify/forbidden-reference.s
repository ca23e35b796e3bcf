// finding: entry: recovery would come back too late
// finding: call: branches to setup
// finding: site: branches to setup
// finding: back: must not go back
// path: call: other, setup
// rules: forbidden-reference.toml
// script: forbidden-reference.ld
// As modpost has it in Linux.
.globl _start
.type _start, @function
_start:
    b .
.size _start, . - _start
.type other, @function
other:
call:
    bl setup
    // Before and in what is part of a function.
    cbz x0, _start
.type part, @notype
part:
back:
    cbz x1, _start
.size part, . - part
    alternative_begin
site:
    nop
    alternative_arm 1
    b setup
    alternative_end
    ret
.size other, . - other
.section .init.text, "ax"
.type setup, @function
setup:
    bl other
    ret
.size setup, . - setup
.section __ex_table, "a"
.long other - ., other - .
.globl entry
entry:
.long setup - ., other - .
