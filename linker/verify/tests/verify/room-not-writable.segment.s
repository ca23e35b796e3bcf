// finding: room: is in no writable segment
// help: room: Leave the static in .bss
// script: room-not-writable.segment.ld
// rules: room-not-writable.toml
// The kernel hands the room in, and its script has given the segment no right to write.
.globl _start
_start:
site:
    nop
    b .
.pushsection .bss.room, "aw", @nobits
.type room, @object
room: .skip 16
.size room, 16
.popsection
branch_record site, 1, 1
.globl __alt_layout_version
