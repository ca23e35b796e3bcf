// finding: other: branches to setup
// rules: init-reference.toml
// As before, in an image of Linux: only where the rules file asks for it.
.globl _start
.type _start, @function
_start:
    b .
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
.text
site: nop
linux_record site, alt_cb_patch_nops, 1 << 15 | 1, 4, 0
.globl alt_cb_patch_nops
alt_cb_patch_nops:
    ret
