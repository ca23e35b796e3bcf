// finding: far: the arm
// finding: zeroes: the arm
// finding: calls: the arm
// finding: load: removes the load exclusive of the store exclusive at f
// finding: store: removes the store exclusive of the load exclusive at f
// The pair runs over several blocks, a site takes one half of it, or what an arm brings accesses
// memory by another name.
.globl _start
_start:
    b .
.type f, @function
f:
1:
    ldxr x0, [x1]
    cbnz x0, 3f
2:
    stxr w2, x0, [x1]
    cbnz w2, 1b
    ret
3:
far:
    alternative_begin
    nop
    alternative_arm 1
    str x5, [x6]
    alternative_end
    b 2b
4:
    ldxr x0, [x1]
    b 5f
    ret
5:
zeroes:
    alternative_begin
    nop
    alternative_arm 2
    dc zva, x6
    alternative_end
    stxr w2, x0, [x1]
    cbnz w2, 4b
6:
    ldxr x0, [x1]
calls:
    alternative_begin
    nop
    alternative_arm 3
    bl outside
    alternative_end
    stxr w2, x0, [x1]
    cbnz w2, 6b
7:
load:
    alternative_begin
    ldxr x0, [x1]
    alternative_arm 4
    ldr x0, [x1]
    alternative_end
    add x0, x0, #1
    stxr w2, x0, [x1]
    cbnz w2, 7b
8:
    ldxr x0, [x1]
    add x0, x0, #1
store:
    alternative_begin
    stxr w2, x0, [x1]
    alternative_arm 5
    str x0, [x1]
    alternative_end
    cbnz w2, 8b
// These are right: another load exclusive, one half of another order, a way out of the pair, and
// a site that leaves the rest of the loop out.
9:
    alternative_begin
    ldxr x0, [x1]
    alternative_arm 6
    ldaxr x0, [x1]
    alternative_end
    cbz x0, 11f
    alternative_begin
    stxr w2, x0, [x1]
    alternative_arm 7
    stlxr w2, x0, [x1]
    alternative_end
    cbnz w2, 9b
10:
    alternative_begin
    ldxr x0, [x1]
    nop
    alternative_arm 8
    ldr x0, [x1]
    b 11f
    alternative_end
    stxr w2, x0, [x1]
    cbnz w2, 10b
11:
    alternative_begin
    nop
    alternative_arm 9
    str x3, [x4]
    alternative_end
    ret
outside:
    ret
.size f, . - f
