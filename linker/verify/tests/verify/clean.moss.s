// script: shapes/moss.ld
// rules: clean.moss.toml
// A kernel whose vectors have a site, and which hands the room in; the rules file says what text is.
.globl _start
_start:
site:
    nop
    b .
.pushsection .vectors, "ax"
vector:
    nop
    b .
.popsection
.pushsection .bss.room, "aw", @nobits
.type _ZN6kernel4boot4ROOM17h0123456789abcdefE, @object
_ZN6kernel4boot4ROOM17h0123456789abcdefE: .skip 28
.size _ZN6kernel4boot4ROOM17h0123456789abcdefE, 28
.popsection
.pushsection .text.alt_patcher, "ax"
fn _ZN11alt_runtime5Image3new17h0123456789abcdefE
end_fn _ZN11alt_runtime5Image3new17h0123456789abcdefE
.popsection
branch_record site, 1, 1
branch_record vector, 1, 1
