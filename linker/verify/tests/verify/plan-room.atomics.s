// finding: _ZN6kernel4boot4ROOM17h0123456789abcdefE: have 3 instructions, kernel::boot::ROOM has room for 2
// help: _ZN6kernel4boot4ROOM17h0123456789abcdefE: `Room<N>`
// script: shapes/moss.ld
// A room that was large enough before alt-ld made sites of the calls of outline atomics.
.globl _start
_start:
site:
    nop
    bl __aarch64_ldadd8_relax
    bl __aarch64_ldadd8_relax
    b .
__aarch64_ldadd8_relax:
    ret
.pushsection .bss.room, "aw", @nobits
.type _ZN6kernel4boot4ROOM17h0123456789abcdefE, @object
_ZN6kernel4boot4ROOM17h0123456789abcdefE: .skip 28
.size _ZN6kernel4boot4ROOM17h0123456789abcdefE, 28
.popsection
raw_replacements
add_relax:
    .inst 0xf8200020
.popsection
branch_record site, 1, 1
.macro call_record site
record_section alt_records, ao, @progbits
.long \site - .
.long add_relax - .
.hword 1
.byte 1, 1
.popsection
.endm
call_record site + 4
call_record site + 8
