// Functions as a compiler makes them with -mbranch-protection=pac-ret, by hand: two that call each
// other, and one that represents code with another x18.

    .macro function name
    .section .text.\name, "ax", %progbits
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
    paciasp
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
    autiasp
    .cfi_negate_ra_state
    ret
    .endm

// u64 calls(u64 depth, u64 attack): how many calls have returned. In the innermost one, x18 goes
// to x2. The attacker overwrites each return address on the stack.
    .macro level name, other
    function \name
    prologue
    cbz x0, 1f
    sub x0, x0, #1
    bl \other
    b 2f
1:  mov x2, x18
2:  add x0, x0, #1
    cbz x1, 3f
    adr x9, hijacked
    str x9, [sp, #8]
3:  epilogue
    end \name
    .endm

    level calls, calls_too
    level calls_too, calls

function foreign
    prologue
    epilogue
end foreign

// Outcome enter(u64 depth, u64 attack, u64 shadow): calls, on a shadow call stack. Returns in x0
// the result of `calls`, or -1 if the attacker got control; in x1 the offset of x18 in the innermost
// call. Not signed itself, since it has no shadow call stack yet when it is entered.
    .section .text.enter, "ax", %progbits
    .globl enter
    .type enter, %function
enter:
    stp x29, x30, [sp, #-32]!
    stp x27, x28, [sp, #16]
    mov x28, sp
    mov x27, x2
    mov x18, x2
    bl calls
    sub x1, x2, x27
    b 1f
hijacked:
    mov sp, x28
    mov x0, #-1
1:  ldp x27, x28, [sp, #16]
    ldp x29, x30, [sp], #32
    ret
    .size enter, . - enter
