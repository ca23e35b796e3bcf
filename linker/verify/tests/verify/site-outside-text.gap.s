// finding: datum: not inside one executable section
// The data is between two sections of text, so the patcher would take it for text.
.globl _start
_start:
    b .
raw_replacements
arm: yield
.popsection
.pushsection .rodata, "a"
datum: .long 0xd503201f
.popsection
.pushsection .init.text, "ax"
    ret
.popsection
raw_record datum, arm, 1, 1, 1
