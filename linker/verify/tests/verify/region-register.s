// finding: uses: hyp uses x18
// finding: narrow: `mov w18, w0`
// finding: vector: uses v8
// finding: site: can become
// rules: region-register.toml
.globl _start
.type _start, @function
_start:
    mov x18, x0
    bl hyp_one
    b .
.size _start, . - _start
.type hyp_one, @function
hyp_one:
    mov x0, #18
    ldr d18, [x0]
uses:
    str x30, [x18], #8
    mov x18, x0
    ret
    .quad 0x1200000012
.size hyp_one, . - hyp_one
.type hyp_two, @function
hyp_two:
narrow:
    mov w18, w0
    ret
.size hyp_two, . - hyp_two
.type hyp_three, @function
hyp_three:
vector:
    fmov d8, x0
    ret
.size hyp_three, . - hyp_three
.type hyp_four, @function
hyp_four:
    alternative_begin
site:
    nop
    alternative_arm 1
    mov x0, x18
    alternative_end
    ret
.size hyp_four, . - hyp_four
