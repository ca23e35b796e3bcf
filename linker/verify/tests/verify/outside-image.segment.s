// finding: __start_alt_branches: is in no segment that is loaded
// script: outside-image.segment.ld
// The script gives the tables no segment: no loader puts them into memory.
.globl _start
_start:
site:
    nop
    b .
branch_record site, 1, 1
.globl __alt_layout_version
