// finding: _ekernel: is not before `_ekernel`
// script: shapes/arceos.ld
// The room for the plan, an orphan, is the first page of the heap.
.globl _start
_start:
site:
    nop
    b .
.pushsection .bss.counter, "aw", @nobits
counter: .skip 64
.popsection
branch_record site, 1, 1
orphan_plan 1
