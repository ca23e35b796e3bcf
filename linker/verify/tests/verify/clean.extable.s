// Entries of a table of exceptions that name the instruction at the site, from inside an arm.
.globl _start
_start:
    alternative_begin
    nop
4:  ldr x0, [x1]
    .pushsection __ex_table, "a"
    .long 4b - ., 6f - .
    .popsection
    alternative_arm 1
    nop
5:  ldtr x0, [x1]
    .pushsection __ex_table, "a"
    alt_at_site_long 5b
    .long 6f - .
    .popsection
    .pushsection .data, "aw"
    .balign 8
    alt_at_site_quad 5b
    .popsection
    alternative_end
6:
    b .
