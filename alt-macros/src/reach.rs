//! Whether an arm must be assembled near its function.
//!
//! The linker finishes the instructions of an arm where it stands, before the patcher
//! moves them to the site. Among the replacements, one of short reach may be too far
//! from what it refers to, although the site is not.

use crate::operand::Piece;

/// Whether the arm holds an instruction of ±1 MiB or less whose target is outside it.
///
/// Where macros make up the text nothing is known, and the answer is no.
pub fn is_short(arm: &[Piece]) -> bool {
    let pieces: Option<Vec<String>> = arm.iter().map(Piece::text).collect();
    pieces.is_some_and(|pieces| text_is_short(&pieces.join("\n")))
}

/// A line of assembly, or a part of it up to `;`.
struct Statement<'a> {
    labels: Vec<&'a str>,
    mnemonic: String,
    operands: &'a str,
}

fn text_is_short(text: &str) -> bool {
    let statements: Vec<_> = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(|line| line.split(';'))
        .map(Statement::parse)
        .collect();
    statements.iter().enumerate().any(|(i, statement)| {
        statement
            .target()
            .is_some_and(|target| is_outside(target, i, &statements))
    })
}

impl<'a> Statement<'a> {
    fn parse(text: &'a str) -> Self {
        let mut labels = Vec::new();
        let mut rest = text.trim();
        while let Some((label, after)) = rest.split_once(':')
            && !label.is_empty()
            && label.chars().all(is_symbol)
        {
            labels.push(label);
            rest = after.trim_start();
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (mnemonic, operands) = rest.split_at(end);
        Self {
            labels,
            mnemonic: mnemonic.to_ascii_lowercase(),
            operands,
        }
    }

    /// What an instruction of short reach refers to.
    fn target(&self) -> Option<&'a str> {
        let mnemonic = self.mnemonic.as_str();
        let is_short = match mnemonic {
            "adr" | "cbz" | "cbnz" | "tbz" | "tbnz" => true,
            // A literal; `ldr x0, =…` makes one of its own.
            "ldr" | "ldrsw" | "prfm" => !self.operands.contains(['[', '=']),
            _ => ["b.", "bc.", "b", "cbb", "cbh", "cb"]
                .iter()
                .any(|branch| mnemonic.strip_prefix(branch).is_some_and(is_condition)),
        };
        let target = self.operands.rsplit(',').next()?.trim();
        (is_short && !target.is_empty()).then_some(target)
    }
}

fn is_symbol(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$')
}

fn is_condition(name: &str) -> bool {
    const CONDITIONS: [&str; 18] = [
        "eq", "ne", "cs", "hs", "cc", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt",
        "le", "al", "nv",
    ];
    CONDITIONS.contains(&name)
}

/// Whether the target of statement `i` is none of the labels of these statements.
fn is_outside(target: &str, i: usize, statements: &[Statement<'_>]) -> bool {
    // An operand, which is a `label` or a `sym`.
    if target.starts_with('{') {
        return true;
    }
    let end = target.find(|c| !is_symbol(c)).unwrap_or(target.len());
    let symbol = &target[..end];
    let defines = |statements: &[Statement<'_>], label| {
        statements
            .iter()
            .any(|statement| statement.labels.contains(&label))
    };
    let digits = symbol.trim_end_matches(['b', 'f']);
    if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) {
        // A numeric label, or else a plain number.
        return match &symbol[digits.len()..] {
            "b" => !defines(&statements[..=i], digits),
            "f" => !defines(&statements[i + 1..], digits),
            _ => false,
        };
    }
    // `.` is the instruction itself.
    !matches!(symbol, "" | ".") && !defines(statements, symbol)
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
