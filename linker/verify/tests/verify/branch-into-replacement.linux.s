// finding: second: into the replacement
// The first arm branches to its own end, where the second begins: at the site, this is the address after
// the site. The second branches into the first.
.globl _start
_start:
    nop
    nop
other:
    nop
    b .
first:
    cbz x0, 1f
    b first
1:
second:
    b first
linux_record _start, first, 1, 8, 8
linux_record other, second, 2, 4, 4
