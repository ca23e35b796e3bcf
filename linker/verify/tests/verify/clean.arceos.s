// script: shapes/arceos.ld
// The tables are ordinary read-only data, the room is a static.
.globl _start
_start:
site:
    nop
    b .
.pushsection .bss.room, "aw", @nobits
.type _ZN6kernel4boot4ROOM17h0123456789abcdefE, @object
_ZN6kernel4boot4ROOM17h0123456789abcdefE: .skip 16
.size _ZN6kernel4boot4ROOM17h0123456789abcdefE, 16
.popsection
.pushsection .rodata.greeting, "a"
.quad _start
.popsection
branch_record site, 1, 1
