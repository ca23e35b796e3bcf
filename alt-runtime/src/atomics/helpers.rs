//! The helpers themselves.
//!
//! Registers: apart from its result, a helper may change X15 to X17 and the flags, as those of
//! `compiler_builtins` do. Each helper is in a separate section, so that the linker drops the unused
//! ones, and weak, so that a kernel can define it itself.
//!
//! A call needs no landing pad. A veneer of a linker may branch to a helper by BR X16, so there is
//! one where the code is compiled for FEAT_BTI (`-C target-feature=+bti`): rustc tells a crate
//! nothing about branch protection.

use core::arch::global_asm;

#[cfg(target_feature = "bti")]
macro_rules! landing_pad {
    () => {
        "bti c\n"
    };
}
#[cfg(not(target_feature = "bti"))]
macro_rules! landing_pad {
    () => {
        ""
    };
}

global_asm!(
    crate::asm_macros!(),
    // The table: operations, sizes, orders. `width` is the suffix of instructions on bytes and
    // halfwords, `r` the kind of register, `a` and `l` the order of the exclusives, `al` that of
    // the LSE instruction.
    ".macro __alt_orders template, op, size, width, r",
    "\\template \\op, \\size\\()_relax, \\size, \\width, \\r, , , ,",
    "\\template \\op, \\size\\()_acq, \\size, \\width, \\r, a, , a,",
    "\\template \\op, \\size\\()_rel, \\size, \\width, \\r, , l, l,",
    "\\template \\op, \\size\\()_acq_rel, \\size, \\width, \\r, a, l, al,",
    // Neither a release nor an acquire is a full barrier: a later load may pass the store of
    // the loop (Arm ARM B2.3.10). LSE instructions with both are.
    "\\template \\op, \\size\\()_sync, \\size, \\width, \\r, , l, al, ish",
    ".endm",
    ".macro __alt_sizes template, op",
    "__alt_orders \\template, \\op, 1, b, w",
    "__alt_orders \\template, \\op, 2, h, w",
    "__alt_orders \\template, \\op, 4, , w",
    "__alt_orders \\template, \\op, 8, , x",
    ".endm",
    // Begins a helper and its site.
    ".macro __alt_helper name",
    ".pushsection .text.__aarch64_\\name, \"ax\", @progbits",
    ".weak __aarch64_\\name",
    ".hidden __aarch64_\\name",
    ".type __aarch64_\\name, @function",
    ".p2align 2",
    "__aarch64_\\name:",
    concat!(landing_pad!(), "alternative_begin"),
    ".endm",
    // Ends the default and begins the arm, whose first word is also that of the calls.
    ".macro __alt_helper_arm name, barrier",
    ".ifnb \\barrier",
    "dmb \\barrier",
    ".endif",
    "ret",
    "alternative_arm __alt_cpucap_LSE",
    ".globl __alt_atomic_\\name",
    ".hidden __alt_atomic_\\name",
    "__alt_atomic_\\name:",
    ".arch_extension lse",
    ".endm",
    ".macro __alt_helper_end name",
    "ret",
    "alternative_end",
    ".size __aarch64_\\name, . - __aarch64_\\name",
    ".popsection",
    ".endm",
    // Operand 0, address 1; the old value in 0.
    ".macro __alt_swp op, suffix, size, width, r, a, l, al, barrier",
    "__alt_helper swp\\suffix",
    "mov \\r\\()16, \\r\\()0",
    "0: ld\\a\\()xr\\width \\r\\()0, [x1]",
    "st\\l\\()xr\\width w17, \\r\\()16, [x1]",
    "cbnz w17, 0b",
    "__alt_helper_arm swp\\suffix, \\barrier",
    "swp\\al\\width \\r\\()0, \\r\\()0, [x1]",
    "__alt_helper_end swp\\suffix",
    ".endm",
    ".macro __alt_ldop op, suffix, size, width, r, a, l, al, barrier",
    "__alt_helper ld\\op\\suffix",
    "mov \\r\\()16, \\r\\()0",
    "0: ld\\a\\()xr\\width \\r\\()0, [x1]",
    ".ifc \\op, add",
    "add \\r\\()17, \\r\\()0, \\r\\()16",
    ".endif",
    ".ifc \\op, clr",
    "bic \\r\\()17, \\r\\()0, \\r\\()16",
    ".endif",
    ".ifc \\op, eor",
    "eor \\r\\()17, \\r\\()0, \\r\\()16",
    ".endif",
    ".ifc \\op, set",
    "orr \\r\\()17, \\r\\()0, \\r\\()16",
    ".endif",
    "st\\l\\()xr\\width w15, \\r\\()17, [x1]",
    "cbnz w15, 0b",
    "__alt_helper_arm ld\\op\\suffix, \\barrier",
    "ld\\op\\al\\width \\r\\()0, \\r\\()0, [x1]",
    "__alt_helper_end ld\\op\\suffix",
    ".endm",
    // Expected value 0, new value 1, address 2. The upper bits of a narrow argument are undefined
    // (AAPCS64 6.8.2).
    ".macro __alt_cas op, suffix, size, width, r, a, l, al, barrier",
    "__alt_helper cas\\suffix",
    ".ifb \\width",
    "mov \\r\\()16, \\r\\()0",
    ".else",
    "uxt\\width w16, w0",
    ".endif",
    "0: ld\\a\\()xr\\width \\r\\()0, [x2]",
    "cmp \\r\\()0, \\r\\()16",
    "b.ne 1f",
    "st\\l\\()xr\\width w17, \\r\\()1, [x2]",
    "cbnz w17, 0b",
    "1:",
    "__alt_helper_arm cas\\suffix, \\barrier",
    "cas\\al\\width \\r\\()0, \\r\\()1, [x2]",
    "__alt_helper_end cas\\suffix",
    ".endm",
    // Pairs: expected 0 and 1, new 2 and 3, address 4. A pair of exclusives is one atomic read only
    // if the store succeeds (Arm ARM B2.2.1), so a value that differs is stored again.
    ".macro __alt_casp op, suffix, size, width, r, a, l, al, barrier",
    "__alt_helper cas\\suffix",
    "mov x16, x0",
    "mov x17, x1",
    "0: ld\\a\\()xp x0, x1, [x4]",
    "cmp x0, x16",
    "ccmp x1, x17, #0, eq",
    "b.ne 1f",
    "st\\l\\()xp w15, x2, x3, [x4]",
    "cbnz w15, 0b",
    "b 2f",
    "1: st\\l\\()xp w15, x0, x1, [x4]",
    "cbnz w15, 0b",
    "2:",
    "__alt_helper_arm cas\\suffix, \\barrier",
    "casp\\al x0, x1, x2, x3, [x4]",
    "__alt_helper_end cas\\suffix",
    ".endm",
    "__alt_sizes __alt_cas, cas",
    "__alt_orders __alt_casp, cas, 16, , x",
    "__alt_sizes __alt_swp, swp",
    "__alt_sizes __alt_ldop, add",
    "__alt_sizes __alt_ldop, clr",
    "__alt_sizes __alt_ldop, eor",
    "__alt_sizes __alt_ldop, set",
);
