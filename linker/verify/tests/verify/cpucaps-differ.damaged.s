// finding: image: a string without a NUL byte after it
.globl _start
_start:
    b .
.globl __alt_layout_version
.set __alt_layout_version, 2
.section .alt_cpucaps, "", @progbits
.ascii "[A]"
