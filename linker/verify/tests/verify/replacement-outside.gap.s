// finding: site: not inside one executable section
// The replacement is data between two sections of text, so the patcher would take it for text.
.globl _start
_start:
site:
    nop
    b .
.pushsection .rodata, "a"
arm: .long 0xd503203f
.popsection
.pushsection .init.text, "ax"
    ret
.popsection
raw_record site, arm, 1, 1, 1
