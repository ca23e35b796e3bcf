// finding: from: into the replacement
// finding: site: into the replacement
// A near arm is in the text; others go there from the text and from an arm.
.globl _start
_start:
    alternative_begin near
    cbz x0, 3f
    alternative_arm 1
1:
    tbz x0, #1, 3f
    alternative_end
from:
    cbnz x1, 1b
site:
    alternative_begin
    nop
    alternative_arm 2
    b 1b
    alternative_end
3:
    b .
