//! Checks the text of an arm for instructions that cannot move to the site, so that the error is at
//! the token. `alt verify` and the pass at boot check the text that macros expand to.

use super::operand::Piece;
use super::statement::{Place, Statement, place, statements};

/// The error for the first instruction that cannot move, with the text to write instead.
pub fn check(arm: &[Piece]) -> syn::Result<()> {
    let texts: Vec<String> = arm.iter().filter_map(Piece::text).collect();
    let is_whole = texts.len() == arm.len();
    let whole = texts.join("\n");
    // A label and a reference to it may be in different pieces.
    let all = statements(&whole);
    let mut first = 0;
    for piece in arm {
        let Some(text) = piece.text() else { continue };
        let count = statements(&text).len();
        for i in first..first + count {
            if let Some(why) = why_not(&all, i, is_whole) {
                return Err(syn::Error::new(piece.span(), why));
            }
        }
        first += count;
    }
    Ok(())
}

/// Why statement `i` cannot move. All labels are known only if `is_whole`: no part of the text is a
/// macro call.
fn why_not(all: &[Statement<'_>], i: usize, is_whole: bool) -> Option<&'static str> {
    let statement = &all[i];
    if statement.is_elsewhere {
        return None;
    }
    let operand = statement.last_operand();
    match statement.mnemonic.as_str() {
        "ldr" | "ldrsw" if operand.starts_with('=') => Some(
            "`ldr …, =…` puts its constant into a literal pool among the replacements, which are freed after boot: use `mov` or `movz` and `movk` for a number, `adrp` and `add …, :lo12:…` for an address",
        ),
        ".ltorg" | ".pool" => {
            Some("an arm has no literal pool: it is freed after boot; move the data into `.rodata`")
        }
        "ldr" | "ldrsw"
            if is_whole
                && statement.is_literal_load()
                && place(operand, i, all) == Place::Inside =>
        {
            Some(
                "an arm cannot load its own words: it is freed after boot; move the data into `.rodata`",
            )
        }
        "paciasppc" | "pacibsppc" | "pacnbiasppc" | "pacnbibsppc" | "pacm" => Some(
            "this instruction signs with its own address, and an arm moves to the site: sign with the stack pointer alone, `paciasp`",
        ),
        _ if statement.aligns() => Some(
            "an arm has no alignment of its own, since it moves to the site: align the site, by `.balign` before the default",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> bool {
        let all = statements(text);
        (0..all.len()).any(|i| why_not(&all, i, true).is_some())
    }

    #[test]
    fn what_cannot_move() {
        for text in [
            "ldr x0, =data",
            "nop; LDR w0, =0x12345678",
            "ldrsw x0, =data",
            "ldr x0, 1f\n1: .quad 5",
            "1: nop\nldr x0, 1b",
            "ldr q0, here\nhere: nop",
            ".ltorg",
            "paciasppc",
            "pacm",
            ".p2align 4",
            "nop\n.balignw 8, 0",
        ] {
            assert!(refused(text), "{text}");
        }
    }

    #[test]
    fn what_can() {
        for text in [
            "ldr x0, [x1]",
            "ldr x0, [x1, :lo12:data]",
            "ldr x0, data",
            "ldr x0, 1f",
            "prfm pldl1keep, 1f\n1: nop",
            "adr x0, 1f\n1: nop",
            "// ldr x0, =5",
            "paciasp",
            ".pushsection .rodata\n.balign 8\n1: .quad 5\n.popsection\nldr x0, 1b",
            ".inst 0xd503201f",
        ] {
            assert!(!refused(text), "{text}");
        }
    }
}
