// finding: image: cpucap 0 is A in one and B in another
.globl _start
_start:
    b .
.globl __alt_layout_version
.set __alt_layout_version, 2
.macro table name
.ascii "[\name]\ndoc = \"A cap.\"\nscope = \"boot\"\nkind = \"feature\"\ndetect = \"always\"\n\0"
.ascii "1\0"
.endm
.section .alt_cpucaps, "", @progbits
table A
table B
