// finding: from: instruction 1 of the site
// finding: arm: instruction 1 of the site
.globl _start
_start:
site:
    nop
1:
    nop
2:
from:
    cbz x0, 1b
    b .
arm:
    b 1b
    b 2b
linux_record site, arm, 1, 8, 8
