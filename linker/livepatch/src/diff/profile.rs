//! The instructions of a function, by the function from whose source they come.

use std::collections::{BTreeMap, BTreeSet};

use alt_image::disasm;

use crate::model::{AtomId, Model, Target, debug};

use super::matching;

/// The instructions of each function that was inlined, and of the function's own code (`None`): their
/// texts without registers, and how often each occurs.
///
/// Registers, stack slots and the order depend on the surrounding code; the rest of an
/// instruction shows whether the source of its function changed.
pub(super) type Profile = BTreeMap<Option<String>, BTreeMap<String, usize>>;

/// The profile of a function. `suspect` selects the inlined functions that may have changed; the others
/// count to the one into which they were inlined. `name` names a target alike in both builds.
pub(super) fn profile(
    model: &Model,
    id: AtomId,
    suspect: &dyn Fn(&debug::Inlined) -> bool,
    name: &dyn Fn(AtomId) -> Option<AtomId>,
) -> Profile {
    let atom = model.atom(id);
    let words: Vec<u32> = atom
        .bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| u32::from_le_bytes(*word))
        .collect();
    let source = |index: usize| {
        // The scheduler puts instructions of other code between those of inlined code, inside its range.
        if !has_line(model, id, index as u64 * 4) {
            return None;
        }
        let mut found = scopes(model, id, index as u64 * 4);
        found
            .find(|scope| suspect(scope))
            .map(|scope| scope.name.clone())
    };
    let mut profile = Profile::new();
    for (index, word) in words.iter().enumerate() {
        let at = index as u64 * 4;
        let reference = atom
            .references
            .iter()
            .find(|reference| reference.offset == at);
        let mut text = without_registers(&disasm::instruction(without_distance(*word), 0));
        if let Some(reference) = reference {
            text += &match reference.target {
                Target::Atom(to) if matching::has_identity(model.atom(to).kind) => {
                    format!(" {:?}", name(to))
                }
                _ => String::new(),
            };
        }
        // LLVM puts constants of inlined code elsewhere; the one that uses it tells more.
        let of = match is_move(*word) {
            true => {
                let user = user(&words[index + 1..], *word & 31);
                user.and_then(|distance| source(index + 1 + distance))
            }
            false => source(index),
        };
        *profile.entry(of).or_default().entry(text).or_default() += 1;
    }
    profile
}

/// The inlined functions that have the instruction at an offset, inner before outer; none for the
/// function's own.
pub(super) fn scopes(
    model: &Model,
    id: AtomId,
    offset: u64,
) -> impl Iterator<Item = &debug::Inlined> {
    let address = model.atom(id).address.unwrap_or_default() + offset;
    let inlined = model
        .function(id)
        .map_or(&[][..], |function| &function.inlined);
    inlined
        .iter()
        .rev()
        .filter(move |scope| scope.ranges.iter().any(|range| range.contains(&address)))
}

/// Whether the line table has a line for an instruction: not if the compiler made it of several.
fn has_line(model: &Model, id: AtomId, offset: u64) -> bool {
    let Some((function, start)) = model.function(id).zip(model.atom(id).address) else {
        return false;
    };
    let after = function
        .lines
        .partition_point(|(at, _)| *at <= start + offset);
    let row = after.checked_sub(1).and_then(|row| function.lines.get(row));
    row.is_some_and(|(_, line)| *line > 0)
}

/// The names of the functions that were inlined.
pub(super) fn inlined(model: &Model, id: AtomId) -> BTreeSet<&str> {
    let inlined = model
        .function(id)
        .map_or(&[][..], |function| &function.inlined);
    inlined.iter().map(|of| &*of.name).collect()
}

/// MOVZ, MOVN, MOVK, and ORR (immediate) of XZR (Arm ARM C4.1.93, "Data Processing -- Immediate").
fn is_move(word: u32) -> bool {
    word & 0x1f80_0000 == 0x1280_0000 || word & 0x7f80_03e0 == 0x3200_03e0
}

/// How far the only instruction is that may read a register before another one writes it. A constant
/// that several instructions share belongs to none of them.
fn user(words: &[u32], register: u32) -> Option<usize> {
    let store = |word: u32| word & 0x0a00_0000 == 0x0800_0000 && word & 0x0040_0000 == 0;
    let mut found = None;
    for (index, word) in words.iter().enumerate() {
        let field = |low: u32| word >> low & 31 == register;
        let reads = !is_move(*word) && (field(5) || field(16));
        if reads || store(*word) && (field(0) || field(10)) {
            if found.is_some() {
                return None;
            }
            found = Some(index);
        } else if field(0) {
            break;
        }
    }
    found
}

/// The text of an instruction with `r` for each register, and without offsets in the stack.
fn without_registers(text: &str) -> String {
    let is_register = |word: &str| {
        let rest = word.strip_prefix(['x', 'w', 'v', 'q', 'd', 's', 'h', 'b']);
        matches!(word, "sp" | "wsp" | "xzr" | "wzr" | "lr")
            || rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    let word = |byte: char| byte.is_ascii_alphanumeric() || byte == '_';
    let mut result = String::new();
    let mut stack = false;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|byte| !word(byte)).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        stack |= matches!(part, "sp" | "wsp" | "x29");
        result += if is_register(part) { "r" } else { part };
        let next = after.chars().next();
        result.extend(next);
        rest = &after[next.map_or(0, char::len_utf8)..];
    }
    match result.split_once('#').filter(|_| stack) {
        Some((before, _)) => {
            // The form depends on the sign and the size of the offset.
            let (operation, operands) = before.split_once(' ').unwrap_or((before, ""));
            let operation = match operation {
                "sub" => "add".to_owned(),
                _ => operation
                    .replacen("ldur", "ldr", 1)
                    .replacen("stur", "str", 1),
            };
            format!("{operation} {operands}")
        }
        None => result,
    }
}

/// B, BL, B.cond, CBZ, CBNZ, TBZ, TBNZ and ADR without their distance (Arm ARM C4.1).
fn without_distance(word: u32) -> u32 {
    if word & 0x7c00_0000 == 0x1400_0000 {
        word & 0xfc00_0000
    } else if word & 0xff00_0010 == 0x5400_0000 || word & 0x7e00_0000 == 0x3400_0000 {
        word & 0xff00_001f
    } else if word & 0x7e00_0000 == 0x3600_0000 {
        word & 0xfff8_001f
    } else if word & 0x9f00_0000 == 0x1000_0000 {
        word & 0x9f00_001f
    } else {
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_and_stack_slots_do_not_count() {
        for (text, expected) in [
            ("add x0, x1, #0x3", "add r, r, #0x3"),
            ("str w8, [x9, #0x4]", "str r, [r, #0x4]"),
            ("ldr x8, [sp, #0x10]", "ldr r, [r, "),
            ("ldurb w8, [x29, #-0x3]", "ldrb r, [r, "),
            ("movz w8, #0x11", "movz r, #0x11"),
        ] {
            assert_eq!(without_registers(text), expected);
        }
    }

    /// mov w9, #17; nop; str w9, [x8].
    #[test]
    fn the_user_of_a_constant_is_found() {
        assert!(is_move(0x5280_0229) && !is_move(0xd503_201f));
        assert_eq!(user(&[0xd503_201f, 0xb900_0109], 9), Some(1));
        assert_eq!(user(&[0xd503_201f], 9), None);
        // mov w9, #1 comes first.
        assert_eq!(user(&[0x5280_0029, 0xb900_0109], 9), None);
    }

    /// By GNU as: b, b.eq, cbz x1, tbz w2 #3, adr x4; add x0, x1, #2 stays.
    #[test]
    fn distances_are_removed() {
        for (word, expected) in [
            (0x1400_0005, 0x1400_0000),
            (0x5400_0060, 0x5400_0000),
            (0xb400_0041, 0xb400_0001),
            (0x3618_0042, 0x3618_0002),
            (0x1000_0044, 0x1000_0004),
            (0x9100_0820, 0x9100_0820),
        ] {
            assert_eq!(without_distance(word), expected, "{word:#x}");
        }
    }
}
