// finding: image: layout 3
// script: layout-version.ld
.globl _start
_start:
    b .
.globl __alt_layout_version
.set __alt_layout_version, 3
