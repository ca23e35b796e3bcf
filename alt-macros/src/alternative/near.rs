//! Whether an arm must be assembled near its function.
//!
//! The linker relocates the instructions of an arm at the arm's own address, before the patcher
//! moves them to the site. From the section of replacements, the target of an instruction with a
//! short range may be out of range although it is in range of the site.

use super::operand::Piece;
use super::statement::{Place, Statement, place, statements};

/// Whether the arm has an instruction with a range of ±1 MiB or less and a target outside of the arm.
///
/// `false` if a part of the text is a macro call, since it is not known.
pub fn is_short(arm: &[Piece]) -> bool {
    let pieces: Option<Vec<String>> = arm.iter().map(Piece::text).collect();
    pieces.is_some_and(|pieces| text_is_short(&pieces.join("\n")))
}

fn text_is_short(text: &str) -> bool {
    let statements = statements(text);
    statements
        .iter()
        .enumerate()
        .filter(|(_, statement)| !statement.is_elsewhere)
        .any(|(i, statement)| {
            target(statement).is_some_and(|target| place(target, i, &statements) == Place::Outside)
        })
}

/// The target of an instruction with a short range.
fn target<'a>(statement: &Statement<'a>) -> Option<&'a str> {
    let mnemonic = statement.mnemonic.as_str();
    let is_short = match mnemonic {
        "adr" | "cbz" | "cbnz" | "tbz" | "tbnz" => true,
        _ => {
            statement.is_literal_load()
                || ["b.", "bc.", "b", "cbb", "cbh", "cb"]
                    .iter()
                    .any(|branch| mnemonic.strip_prefix(branch).is_some_and(is_condition))
        }
    };
    let target = statement.last_operand();
    (is_short && !target.is_empty()).then_some(target)
}

fn is_condition(name: &str) -> bool {
    const CONDITIONS: [&str; 18] = [
        "eq", "ne", "cs", "hs", "cc", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt",
        "le", "al", "nv",
    ];
    CONDITIONS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::text_is_short;

    #[test]
    fn short_to_the_outside() {
        for text in [
            "tbz {x}, #3, {out}",
            "TBNZ x0, #3, 2b",
            "nop\n  cbz x0, .Lout // 2:",
            "cbnz w0, 1f",
            "1: cbnz w0, 1f",
            "cbnz w0, 1b\n1: nop",
            "nop; b.eq {}",
            "beq out",
            "bc.ne out+8",
            "cbgt x0, x1, out",
            "cbblo w0, w1, out",
            "cbhne w0, w1, out",
            "adr {x}, {s}",
            "adr x0, data",
            "ldr x0, data",
            "ldr q0, {s}",
            "ldrsw x0, data + 4",
            "prfm pldl1keep, data",
            "2: 3: tbz x0, #0, 4f",
        ] {
            assert!(text_is_short(text), "{text}");
        }
    }

    #[test]
    fn far_or_inside() {
        for text in [
            "",
            "b {out}",
            "bl out",
            "blr x0",
            "bic x0, x0, x1",
            "bti c",
            "adrp x0, data",
            "add {x}, {x}, {y}",
            "ldr x0, [x1]",
            "ldr {x}, [{y}, #8]",
            "ldr x0, [x1], #8",
            "ldr x0, =data",
            "prfm pldl1keep, [x0]",
            "cbz x0, 1f\n1: nop",
            "1: nop\n cbz x0, 1b",
            "1: cbz x0, 1b",
            "cbz x0, end; nop; end:",
            "b.eq . + 8",
            "b.eq .",
            "cbz x0, #8",
            "cbz x0, 8",
            "// tbz x0, #3, {out}",
            "b.eq",
        ] {
            assert!(!text_is_short(text), "{text}");
        }
    }
}
