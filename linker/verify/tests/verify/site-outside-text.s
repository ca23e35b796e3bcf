// finding: datum: not inside the text
// What becomes other instructions is data.
.globl _start
_start:
    b .
raw_replacements
arm: yield
.popsection
.pushsection .rodata, "a"
datum: .long 0xd503201f
.popsection
raw_record datum, arm, 1, 1, 1
