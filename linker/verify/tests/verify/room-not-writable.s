// finding: __start_alt_plan: is between `_srodata` and `_erodata`
// script: room-not-writable.ld
// The script of alt-linker is included after .rodata, in pages that the kernel maps read-only.
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
