//! The site macros in assembly, for `global_asm!`, naked functions and `.S` files.
//!
//! [`asm_macros!`](crate::asm_macros) is the text that defines them; `docs/assembly.md`
//! describes them. The text of records and sections comes from
//! [`record`](crate::record), as for the macros in Rust.

/// The assembler text that defines `alternative_begin`, `alternative_arm`,
/// `branch_if_cap` and the others: the first piece of the template of a `global_asm!`
/// or a `naked_asm!` that uses them.
///
/// ```
/// # use alt_runtime::cap::Cap;
/// # const SB: Cap = Cap::new(0, true);
/// # #[cfg(target_arch = "aarch64")]
/// #[unsafe(naked)]
/// unsafe extern "C" fn speculation_barrier() {
///     core::arch::naked_asm!(
///         alt_runtime::asm_macros!(),
///         "alternative_begin",
///         "dsb nsh",
///         "isb",
///         "alternative_arm {sb}",
///         ".arch_extension sb",
///         "sb",
///         "alternative_end",
///         "ret",
///         sb = const SB.number(),
///     )
/// }
/// ```
///
/// An object may contain it any number of times. `docs/assembly.md` has the list of
/// macros and an example of each use.
#[macro_export]
macro_rules! asm_macros {
    () => {
        concat!(
            ".ifndef .Lalt_macros\n",
            ".set .Lalt_macros, 1\n",
            // The part of a site that is open: 0 none, 1 the default, 2 an arm with
            // instructions, 3 an arm without.
            ".set .Lalt_part, 0\n",
            ".set .Lalt_near, 0\n",
            ".set ALT_NOT, 1 << 14\n",
            $crate::__alt_once!(),
            //
            ".macro alternative_begin place\n",
            ".if .Lalt_part\n",
            ".error \"alternative_begin: the site before has no alternative_end; sites do not nest\"\n",
            ".else\n",
            ".set .Lalt_near, 0\n",
            ".ifnb \\place\n",
            ".ifc \\place, near\n",
            ".set .Lalt_near, 1\n",
            ".else\n",
            ".error \"alternative_begin: say `near`, or nothing\"\n",
            ".endif\n",
            ".endif\n",
            ".set .Lalt_part, 1\n",
            $crate::__alt_open!(),
            "\n",
            ".endif\n",
            ".endm\n",
            //
            ".macro alternative_arm condition:req\n",
            "alternative_arm_all \\condition\n",
            ".endm\n",
            ".macro alternative_arm_all conditions:vararg\n",
            ".if .Lalt_part\n",
            "__alt_part_end\n",
            // Values that are needed when the arm has ended.
            ".macro __alt_arm_records\n",
            "__alt_text_records \\conditions\n",
            ".endm\n",
            ".set .Lalt_part, 2\n",
            ".if .Lalt_near\n",
            $crate::__alt_near_replacement!(),
            "\n",
            ".else\n",
            $crate::__alt_replacement!(),
            "\n",
            ".endif\n",
            ".else\n",
            ".error \"alternative_arm: there is no alternative_begin\"\n",
            ".endif\n",
            ".endm\n",
            //
            ".macro alternative_nops condition:req\n",
            ".if .Lalt_part\n",
            "__alt_part_end\n",
            $crate::__alt_nops_record!("(\\condition) | (1 << 15)"),
            "\n",
            ".set .Lalt_part, 3\n",
            "9065:\n",
            ".else\n",
            ".error \"alternative_nops: there is no alternative_begin\"\n",
            ".endif\n",
            ".endm\n",
            //
            ".macro alternative_cb condition:req, callback:req\n",
            ".if .Lalt_part\n",
            "__alt_part_end\n",
            $crate::__alt_callback_record!("(\\condition) | (1 << 15)", "\\callback"),
            "\n",
            ".set .Lalt_part, 3\n",
            "9065:\n",
            ".else\n",
            ".error \"alternative_cb: there is no alternative_begin\"\n",
            ".endif\n",
            ".endm\n",
            //
            ".macro alternative_end\n",
            ".if .Lalt_part == 0\n",
            ".error \"alternative_end: there is no alternative_begin\"\n",
            ".else\n",
            ".if .Lalt_part == 1\n",
            ".error \"alternative_end: there is no arm: add `alternative_arm CAP` and instructions\"\n",
            ".endif\n",
            "__alt_part_end\n",
            $crate::__alt_plan_room!(),
            "\n",
            $crate::__alt_close!(),
            "\n",
            ".set .Lalt_part, 0\n",
            ".endif\n",
            ".endm\n",
            //
            ".macro branch_if_cap condition:req, target:req\n",
            $crate::__alt_asm_branch!("nop", "(\\condition)"),
            ".endm\n",
            ".macro branch_unless_cap condition:req, target:req\n",
            $crate::__alt_asm_branch!("b \\target", "(\\condition) | (1 << 15)"),
            ".endm\n",
            //
            ".macro __alt_part_end\n",
            ".if .Lalt_part == 1\n",
            $crate::__alt_end!(),
            "\n",
            "__alt_default_check\n",
            ".elseif .Lalt_part == 2\n",
            ".if .Lalt_near\n",
            $crate::__alt_near_replacement_end!(),
            "\n",
            ".else\n",
            $crate::__alt_replacement_end!(),
            "\n",
            ".endif\n",
            "__alt_arm_check\n",
            "__alt_arm_records\n",
            ".purgem __alt_arm_records\n",
            ".else\n",
            "9066:\n",
            ".ifdef .Lalt_lengths\n",
            ".if 9066b - 9065b\n",
            ".error \"the instructions after alternative_nops or alternative_cb belong to no arm\"\n",
            ".endif\n",
            ".else\n",
            "__alt_refuse 9066b - 9065b != 0\n",
            ".endif\n",
            ".endif\n",
            ".endm\n",
            // For the assembler of the output of `--emit=asm`: moves back, which is an
            // error, if the condition holds.
            ".macro __alt_refuse condition:vararg\n",
            ".org . - ((\\condition) & 1)\n",
            ".endm\n",
            $crate::__private::length_checks!(),
            // All but the last of them have AND set.
            ".macro __alt_text_records first:req, rest:vararg\n",
            ".ifnb \\rest\n",
            "__alt_text_record (\\first) | (1 << 13)\n",
            "__alt_text_records \\rest\n",
            ".else\n",
            "__alt_text_record \\first\n",
            ".endif\n",
            ".endm\n",
            ".macro __alt_text_record condition:vararg\n",
            $crate::__alt_alternative_record!("\\condition"),
            "\n",
            ".endm\n",
            ".endif\n",
        )
    };
}

/// The body of a branch macro, whose site is one instruction.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_asm_branch {
    ($site:literal, $condition:literal) => {
        concat!(
            ".if .Lalt_part\n",
            ".error \"a branch on a cpucap cannot stand in a site\"\n",
            ".else\n",
            $crate::__alt_open!(),
            "\n",
            $site,
            "\n",
            $crate::__alt_end!(),
            "\n",
            $crate::__alt_branch_record!($condition, "\\target"),
            "\n",
            $crate::__alt_plan_room!(),
            "\n",
            $crate::__alt_close!(),
            "\n",
            ".endif\n",
        )
    };
}

/// The text of [`asm_macros!`](crate::asm_macros), for tools that write it to a file.
pub const ASM_MACROS: &str = crate::asm_macros!();
