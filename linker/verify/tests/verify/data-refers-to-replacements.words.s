// finding: entry: refers to instruction 1 of the stored replacement of the site at _start
// finding: own: refers to instruction 1
// finding: pointer: refers to instruction 1
// drop: relocations
// rules: data-refers-to-replacements.toml
// What words say where no relocation was kept: in tables of exceptions by their names, in sections
// that the rules file names, and addresses anywhere.
.globl _start
_start:
site:
    alternative_begin
    nop
    nop
    alternative_arm 1
    nop
4:  ldr x0, [x1]
    .pushsection .kernel_ex_table, "a"
    entry: .long 4b - ., 6f - .
    .popsection
    .pushsection .recovery, "a"
    own: .long 4b - ., 6f - .
    .popsection
    .pushsection .other, "a"
    .long 4b - .
    .popsection
    .pushsection .data, "aw"
    .balign 8
    pointer: .quad 4b
    bounds: .quad __start_alt_replacements, __stop_alt_replacements
    .popsection
    alternative_end
6:
    b .
