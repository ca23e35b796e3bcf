// Functions as compilers make them with pac-ret: `sign` and `authenticate` are macros, PACIASP and
// AUTIASP, or what these become. A word that
// must not be changed, although it looks like a site, is written as a number.

    .macro function name
    .globl \name
    .type \name, %function
\name:
    .cfi_startproc
    .endm

    .macro end name
    .cfi_endproc
    .size \name, . - \name
    .endm

    .macro prologue
    sign
    .cfi_negate_ra_state
    stp x29, x30, [sp, #-16]!
    .cfi_def_cfa_offset 16
    .cfi_offset w30, -8
    .cfi_offset w29, -16
    .endm

    .macro epilogue
    ldp x29, x30, [sp], #16
    .cfi_def_cfa_offset 0
    .cfi_restore w30
    .cfi_restore w29
    authenticate
    .cfi_negate_ra_state
    ret
    .endm

    .text

function outer
    prologue
    bl inner
    bl leaf
    epilogue
end outer

function leaf
    ret
end leaf

// Between functions, and no instruction.
    .word 0xd503233f
    .word 0xd50323bf

// Two ways out.
function inner
    prologue
    cbz x0, 1f
    .cfi_remember_state
    epilogue
1:  .cfi_restore_state
    bl leaf
    epilogue
end inner

// A function without a RET; and an instruction with two marks.
function never
    sign
    .cfi_negate_ra_state
    .cfi_negate_ra_state
    bl leaf
1:  b 1b
end never

// The cold part of a function begins in the state that the function was in.
function never_cold
    .cfi_negate_ra_state
    .cfi_def_cfa_offset 16
    bl leaf
    brk #1
end never_cold

// Marks after other instructions: PACIBSP, PACIA x30, x9, RETAB.
function others
    .inst 0xd503237f
    .cfi_negate_ra_state
    .inst 0xdac1013e
    .cfi_negate_ra_state
    bl leaf
    .inst 0xd65f0fff
    .cfi_negate_ra_state
end others

// So long that each form of DW_CFA_advance_loc is needed: 1, 2 and 4 bytes.
function long
    prologue
    .fill 20, 4, 0xd503201f
    .cfi_remember_state
    epilogue
    .cfi_restore_state
    .fill 100, 4, 0xd503201f
    .cfi_remember_state
    epilogue
    .cfi_restore_state
    .fill 20000, 4, 0xd503201f
    epilogue
end long

// Code of another exception level.
    .section .hyp.text, "ax", %progbits
function hypervisor
    .inst 0xd503233f
    .cfi_negate_ra_state
    stp x29, x30, [sp, #-16]!
    bl hypervisor_leaf
    ldp x29, x30, [sp], #16
    .inst 0xd50323bf
    .cfi_negate_ra_state
    ret
end hypervisor

function hypervisor_leaf
    ret
end hypervisor_leaf
