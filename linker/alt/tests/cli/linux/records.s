// A table in the layout of Linux's arm64 alternatives, and the text it is about.
//
// records.expect has the expected words of each site. The sites are in
// the order of their addresses here, the table is not: Linux's is in the order of
// its input files. Cap 4 and above are absent there.

        .equ    CALLBACK, 1 << 15

// Offsets are relative to the field that holds them, lengths in bytes.
        .macro  record site, replacement, cap
        .word   \site - .
        .word   \replacement - .
        .hword  \cap
        .byte   \site\()_end - \site
        .byte   \replacement\()_end - \replacement
        .endm

// The address of a callback in place of a replacement, and no length.
        .macro  callback site, function, cap
        .word   \site - .
        .word   \function - .
        .hword  \cap | CALLBACK
        .byte   \site\()_end - \site
        .byte   0
        .endm

        .arch_extension rcpc

        .text
        .globl  _start
_start:
        ret

// ---- Sites, with what they hold before; a hint after each must stay.

plain:
        nop
plain_end:
        hint    #64
to_end:
        dsb     sy
        isb
to_end_end:
        hint    #65
page:
        mov     x1, xzr
        mov     x2, xzr
        mov     x3, xzr
page_end:
        hint    #66
loop:
        nop
        nop
        nop
        mov     x0, xzr
loop_end:
        hint    #67
call:
        nop
call_end:
        hint    #68
absent:
        ldr     x0, [x1]
absent_end:
        hint    #69
nops:
        dmb     ish
        b       outside
nops_end:
        hint    #70
nops_absent:
        b       outside
nops_absent_end:
        hint    #71
other:
        movz    x4, #1
        movk    x4, #2, lsl #16
        movk    x4, #3, lsl #32
other_end:
        hint    #72
condition:
        nop
condition_end:
        hint    #73
zero:
        nop
        nop
zero_end:
        hint    #74
past:
        nop
past_end:
        hint    #75
before:
        nop
        nop
before_end:
        hint    #76

outside:
        ret

alt_cb_patch_nops:
        ret

another_callback:
        ret

        .globl  alt_cb_patch_nops, another_callback

// So that a replacement is not on the page of its site.
        .skip   0x2000

// ---- Replacements: after the text, as `.subsection 1` places them.

        .subsection 1
new_plain:
        mov     x0, #1
new_plain_end:

// To its own end, the address after the site: not changed.
new_to_end:
        cbz     x0, new_to_end_end
        add     x0, x0, x1
new_to_end_end:

new_page:
        adrp    x1, datum
        add     x1, x1, :lo12:datum
        ldr     x1, [x1]
new_page_end:

// One branch inside, to the very first word; two that leave.
new_loop:
        sub     x0, x0, #1
        cbnz    x0, new_loop
        tbz     x1, #35, outside
        b       outside
new_loop_end:

new_call:
        bl      outside
new_call_end:

new_absent:
        ldapr   x0, [x1]
new_absent_end:

new_condition:
        b.ne    outside
new_condition_end:

// Into the text before the site, and within.
new_zero:
        cbz     w5, _start
        cbnz    w6, new_zero_end
new_zero_end:

// One word after the end is outside, and so is one before the start.
new_past:
        tbnz    w2, #31, new_past_end + 4
new_past_end:
new_before:
        b       new_before - 4
        b.eq    new_before + 4
new_before_end:
        .previous

        .section .init.text, "ax"
init_plain:
        mov     x7, xzr
init_plain_end:
        hint    #77
init_nops:
        bl      outside
init_nops_end:
        hint    #78
init_far:
        nop
        nop
init_far_end:
        ret

        .subsection 1
new_init_plain:
        mrs     x7, cntvct_el0
new_init_plain_end:
new_init_far:
        bl      outside
        adrp    x3, datum
new_init_far_end:
        .previous

        .section .altinstructions, "a"
        record  init_far, new_init_far, 2
        record  loop, new_loop, 1
        callback other, another_callback, 2
        record  plain, new_plain, 1
        callback nops_absent, alt_cb_patch_nops, 5
        record  before, new_before, 2
        record  absent, new_absent, 4
        record  to_end, new_to_end, 2
        callback init_nops, alt_cb_patch_nops, 3
        record  past, new_past, 3
        record  page, new_page, 3
        record  zero, new_zero, 1
        callback nops, alt_cb_patch_nops, 1
        record  condition, new_condition, 3
        record  init_plain, new_init_plain, 3
        record  call, new_call, 2

        .section .data, "aw"
        .balign 16
        .skip   8
datum:
        .quad   0
