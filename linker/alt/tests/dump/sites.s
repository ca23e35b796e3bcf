// Sites and their records, written by hand after docs/records.md: a second
// statement of the layout. Caps: 0 LSE, 1 PAN, 2 UAO, 3 SB.

        .equ    AND, 1 << 13
        .equ    NOT, 1 << 14
        .equ    LIKELY, 1 << 15
        .equ    CALLBACK, 1 << 15

        .globl  __alt_layout_version
        .set    __alt_layout_version, 2

        .macro  branch site, target, condition
        .pushsection alt_branches, "ao", @progbits, \site
        .word   \site - .
        .hword  \condition
        .hword  (\target - \site) / 4
        .popsection
        .endm

        .macro  record site, other, condition, len, other_len
        .pushsection alt_records, "ao", @progbits, \site
        .word   \site - .
        .word   \other - .
        .hword  \condition
        .byte   \len, \other_len
        .popsection
        .endm

        .macro  function name
        .globl  \name
        .type   \name, %function
\name:
        .endm

        .macro  end name
        .size   \name, . - \name
        .endm

        .arch_extension lse
        .section .text.sites, "ax"

function _start
        ret
end _start

// NOP becomes B, B becomes NOP, the target before the site.
function branches
unlikely:
        nop
        mov     x0, #1
likely:
        b       branches
        ret
end branches
        branch  unlikely, _start, 0
        branch  likely, branches, 3 | LIKELY

// Longer than its first arm, by enough to be branched over; the second has a
// call, and two conditions of two terms each.
function atomic
retry:
        ldxr    x2, [x0]
        add     x2, x2, x1
        stxr    w3, x2, [x0]
        cbnz    w3, retry
        dmb     ish
        ret
end atomic
        record  retry, new_atomic, 0, 5, 1
        record  retry, new_call, 1 | AND, 5, 2
        record  retry, new_call, 2 | NOT, 5, 2
        record  retry, new_call, 3, 5, 2

// A callback, and NOPs.
function _ZN6kernel4trap5enter17h0123456789abcdefE
call:
        mov     x0, #0
        bl      branches
computed:
        movz    x4, #1
        ret
end _ZN6kernel4trap5enter17h0123456789abcdefE
        record  call, . + 0, 1 | CALLBACK, 2, 0
        record  computed, CONDUIT, 2 | CALLBACK, 1, 1

// What cannot be: a replacement that goes to another one, and one that can
// never be reached.
function refused
wrong:
        nop
        ret
end refused
        record  wrong, new_wrong, 0, 1, 1
        record  wrong, new_atomic, 1 | AND, 1, 1
        record  wrong, new_atomic, 1 | NOT, 1, 1

// Short reach: the replacement stands behind the function.
function near
bit:
        nop
        ret
new_bit:
        tbz     x1, #33, _start
end near
        record  bit, new_bit, 3, 1, 1

function conduit
        ret
end conduit

        .section .init.text, "ax"
function setup
once:
        msr     daifset, #2
        ret
end setup
        record  once, new_once, 2, 1, 1

        .section alt_replacements, "a"
new_atomic:
        stadd   x1, [x0]
new_call:
        mov     x4, x30
        bl      conduit
new_wrong:
        b       new_atomic
new_once:
        msr     daifset, #15

        .section alt_callbacks, "aw"
        .globl  CONDUIT
        .type   CONDUIT, %object
CONDUIT:
        .quad   name
        .quad   7
        .quad   conduit
        .size   CONDUIT, 24
        .section .rodata
name:   .ascii  "CONDUIT"
