// finding: entry: refers to instruction 1 of the stored replacement of the site at _start
// help: entry: alt_at_site_long
// finding: pointer: refers to instruction 0
// An entry of a table of exceptions that is made inside an arm, and an address of an arm.
.globl _start
_start:
site:
    alternative_begin
    nop
    nop
    alternative_arm 1
5:  nop
4:  ldr x0, [x1]
    .pushsection __ex_table, "a"
    entry: .long 4b - ., 6f - .
    .popsection
    .pushsection .data, "aw"
    .balign 8
    pointer: .quad 5b
    bounds: .quad __start_alt_replacements, __stop_alt_replacements
    .popsection
    alternative_end
6:
    b .
