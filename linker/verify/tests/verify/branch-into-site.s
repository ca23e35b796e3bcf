// finding: call: instruction 1 of the site
// finding: outer: instruction 2 of the site
// finding: loop: instruction 1 of the site
// Branches to the first instruction, to the end, within the default and within an arm are fine.
.globl _start
_start:
    b 1f
    b 4f
outer:
    cbz x1, 3f
call:
    bl 2f
    alternative_begin
1:
    cbz x0, 2f
2:
    nop
3:
    nop
    nop
    alternative_arm 1
    nop
6:
    cbz x2, 6b
    b 1b
    b 4f
    alternative_arm 2
    b 7f
7:
    nop
    alternative_end
4:
    alternative_begin
    nop
5:
    nop
    alternative_arm 3
    yield
    yield
    alternative_end
loop:
    alternative_begin
    nop
    alternative_arm 4
    b 5b
    alternative_end
    b .
