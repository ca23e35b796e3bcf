// finding: other: branches to setup
// rules: init-reference.toml
// What the rules file allows is no finding.
.globl __alt_layout_version
.set __alt_layout_version, 2
.globl _start
.type _start, @function
_start:
    bl setup
    adrp x0, part
    add x0, x0, :lo12:part
    b .
.size _start, . - _start
.type other, @function
other:
    b setup
.size other, . - other
.section .init.text, "ax"
    nop
part: nop
.type setup, @function
setup:
    ret
.size setup, . - setup
