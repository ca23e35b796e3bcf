// finding: _ZN6kernel4boot4ROOM17h0123456789abcdefE: have 2 instructions, kernel::boot::ROOM has room for 1
// help: _ZN6kernel4boot4ROOM17h0123456789abcdefE: `Room<N>`
// script: shapes/moss.ld
// The room is a static of the kernel's.
.globl _start
_start:
site:
    nop
    nop
    b .
.pushsection .bss.room, "aw", @nobits
.type _ZN6kernel4boot4ROOM17h0123456789abcdefE, @object
_ZN6kernel4boot4ROOM17h0123456789abcdefE: .skip 16
.size _ZN6kernel4boot4ROOM17h0123456789abcdefE, 16
.popsection
branch_record site, 1, 1
branch_record site + 4, 1, 1
