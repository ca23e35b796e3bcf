// finish: tables
// poke: __start_alt_records+0x30 = ff
// finding: __start_alt_records+0x30: differs from that of the records, from
.globl _start
_start:
.irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
site\n:
    nop
.endr
    b .
raw_replacements
arm: yield
.popsection
.irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
raw_record site\n, arm, 1, 1, 1
.endr
