// A small hypervisor: `hyp_input/good.o` of the corpus, by an assembler. `hyp_linked/good.o` and
// `hyp_map/good` are what rust-lld makes of it, by the script that `alt_linker::partial_link::PartialLink` writes for
// `manifest/hyp.toml`, without its ALIGN(4096): a fuzzer is faster with small files.
.section .text.init,"ax",@progbits
.globl init
.type init,@function
init:
adrp x0, shared
ldr x1, [x0, :lo12:shared]
.Lsite:
nop
.Lbranch:
nop
bl _ZN4demo6helper17h0123456789abcdefE
.Lcallback:
nop
cbz x1, 1f
adrp x2, table
adrp x3, limit
1:
ret
.size init, . - init
.section .text.helper,"ax",@progbits
.type _ZN4demo6helper17h0123456789abcdefE,@function
_ZN4demo6helper17h0123456789abcdefE:
ldr x0, .Lliteral
ret
.Lliteral:
.word 42
.size _ZN4demo6helper17h0123456789abcdefE, . - _ZN4demo6helper17h0123456789abcdefE
.section alt_replacements,"ao",@progbits,.text.init
.Lreplacement:
add x0, x0, #2
.section alt_records,"ao",@progbits,.text.init
.word .Lsite - ., .Lreplacement - .
.hword 2
.byte 1, 1
.word .Lcallback - ., compute - .
.hword 0x8003
.byte 1, 1
.section alt_branches,"ao",@progbits,.text.init
.word .Lbranch - .
.hword 1, 2
.section .data.table,"aw",@progbits
.type table,@object
table:
.quad init, _ZN4demo6helper17h0123456789abcdefE, 7
.size table, 24
.section .rodata.limit,"a",@progbits
limit:
.word __hyp_text_end - .
.section .bss.room,"aw",@nobits
.zero 16
.globl __alt_layout_version
.set __alt_layout_version, 2
