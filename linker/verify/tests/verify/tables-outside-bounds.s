// finding: __start_alt_branches: is not between `_srodata` and `_erodata`
// script: tables-outside-bounds.ld
// The tables are between the read-only data and the data: between no two symbols.
.globl _start
_start:
site:
    nop
    b .
.pushsection .rodata, "a"
.quad _start
.popsection
.pushsection .bss.counter, "aw", @nobits
counter: .skip 64
.popsection
raw_branch site, 1, 1
