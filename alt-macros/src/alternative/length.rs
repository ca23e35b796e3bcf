//! The checks of the lengths of a site's texts.
//!
//! Only the assembler knows the length of a text, so the checks are assembler text. [`check`] is for
//! `alternative!`: rustc reports the error at the user's code. [`macros`] is for `asm_macros!` of
//! alt-runtime, and so for `.S` files.

use proc_macro2::Span;
use syn::LitStr;

/// The conditions under which a text is refused, each with its message.
type Checks = &'static [(&'static str, &'static str)];

/// The checks of the default, from 9061 to 9062.
pub const DEFAULT: Checks = &[
    (
        "9062b - 9061b == 0",
        "\"no instruction of the default was assembled: the default runs until the patch and wherever no arm applies; to do nothing write `nop`\"",
    ),
    (
        "(9062b - 9061b) % 4 != 0",
        "\"the default is not made of whole instructions: move data elsewhere\"",
    ),
    (
        "9062b - 9061b > 4 * 255",
        "\"the default has more than the 255 instructions of a site: move them into a function and make the site a branch\"",
    ),
];

/// The checks of an arm, from 9063 to 9064.
// Only an assembler macro can put numbers into a message, and rustc has no source location for the
// message of a macro. So one mistake gives two errors.
pub const ARM: Checks = &[
    (
        "9064b - 9063b == 0",
        "\"no instruction of this arm was assembled: an instruction of an extension needs `.arch_extension` before it; to do nothing write `nop`\"",
    ),
    (
        "(9064b - 9063b) % 4 != 0",
        "\"this arm is not made of whole instructions: move data elsewhere\"",
    ),
    (
        "9064b - 9063b > 9062b - 9061b",
        "\"this arm is longer than the default: pad the default with `nop`, or shorten the arm\"\n\
        .macro __alt_error new, old\n\
        .error \"the arm has \\new instructions, the default \\old\"\n\
        .endm\n\
        .altmacro\n\
        __alt_error %((9064b - 9063b) / 4), %((9062b - 9061b) / 4)\n\
        .noaltmacro\n\
        .purgem __alt_error",
    ),
];

/// The check of a text at `at`. The text after it, up to an `.endif`, is assembled if the lengths are
/// valid or not known yet.
///
/// They are not known if the assembler writes text (`--emit=asm`), or if they depend on alignment
/// (`is_late`). The check is then an error when the object is laid out: [`refusal`].
pub fn check(checks: Checks, is_late: bool, at: Span) -> LitStr {
    let late = format!("{}.set .Lalt_sound, 1\n", refusal(checks));
    let text = match is_late {
        true => late,
        false => format!(
            ".set .Lalt_sound, 0\n.ifdef .Lalt_lengths\n{}.else\n\
             .set .Lalt_sound, 1\n.endif\n.else\n{late}.endif\n",
            errors(checks)
        ),
    };
    LitStr::new(&format!("{text}.if .Lalt_sound"), at)
}

/// The definitions of `__alt_default_check` and `__alt_arm_check`.
pub fn macros() -> String {
    [("__alt_default_check", DEFAULT), ("__alt_arm_check", ARM)]
        .map(|(name, checks)| {
            format!(
                ".macro {name}\n.ifdef .Lalt_lengths\n{}.endif\n.else\n{}.endif\n.endm\n",
                errors(checks),
                refusal(checks)
            )
        })
        .concat()
}

/// An error for the first condition that is true. An `.else` or `.endif` follows.
fn errors(checks: Checks) -> String {
    let errors: Vec<_> = checks
        .iter()
        .map(|(condition, message)| format!("if {condition}\n.error {message}\n"))
        .collect();
    format!(".{}", errors.join(".else"))
}

/// An `.org` that moves backwards, which is an error, if a condition is true.
fn refusal(checks: Checks) -> String {
    let conditions: Vec<_> = checks
        .iter()
        .map(|(condition, _)| format!("({condition})"))
        .collect();
    format!(".org . - (({}) & 1)\n", conditions.join(" | "))
}
