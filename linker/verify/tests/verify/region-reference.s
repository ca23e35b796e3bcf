// finding: call: branches to outside
// finding: load: uses the address of value
// finding: pointer: points to outside
// finding: site: branches to outside
// rules: region-reference.toml
// script: region-reference.ld
.globl _start
.type _start, @function
_start:
    bl hyp_entry
    b .
.size _start, . - _start
.type outside, @function
outside:
    ret
.size outside, . - outside
.type allowed, @function
allowed:
    ret
.size allowed, . - allowed
.data
.quad 0
value: .quad 0

.section .hyp.text, "ax"
.type hyp_entry, @function
hyp_entry:
    bl hyp_inner
    bl allowed
    adrp x0, pointer
    add x0, x0, :lo12:pointer
    ret
.size hyp_entry, . - hyp_entry
.type hyp_inner, @function
hyp_inner:
call:
    bl outside
    adrp x0, value
load:
    str x0, [x0, :lo12:value]
    ret
.size hyp_inner, . - hyp_inner
// What a site can become counts, too.
.type hyp_site, @function
hyp_site:
    alternative_begin
site:
    nop
    alternative_arm 1
    b outside
    alternative_end
    ret
.size hyp_site, . - hyp_site
.section .hyp.data, "aw"
pointer: .quad outside
