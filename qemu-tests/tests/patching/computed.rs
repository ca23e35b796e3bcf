//! What the callbacks of kernel-demo make of their sites, by name.

use qemu_tests::disasm;
use qemu_tests::results::Entry;

use crate::Result;

/// Mnemonics and, where the value is fixed, operands of each instruction.
const EXPECTED: [(&str, &[&str]); 3] = [
    ("LOOP_COUNT", &["mov x_, #0x18"]),
    // The tag is random.
    (
        "HYP_ADDRESS",
        &[
            "and x_, x_, #0x7fffffffff",
            "ror x_, x_, #0x27",
            "add",
            "add",
            "ror x_, x_, #0x19",
        ],
    ),
    ("SKIP", &["nop"]),
];

/// What OFFSET loads: the distance from 0x4020_0000 to 0xffff_8000_1234_0000.
pub const OFFSET: u64 = 0xffff_7fff_d214_0000;

/// Checks the words that the callback of this name has left at `address`.
pub fn is_right(name: &str, address: u64, words: &[u32], entry: Entry) -> Result<()> {
    let name = name.rsplit("::").next().unwrap_or(name);
    if name == "OFFSET" {
        return match loaded(words) {
            Some(OFFSET) => Ok(()),
            other => Err(format!("{address:#x}: OFFSET loads {other:x?}").into()),
        };
    }
    // QEMU's firmware is called by HVC where that is not EL2's.
    let conduit: &[&str] = match entry {
        Entry::El1 => &["hvc #0x0"],
        Entry::El2 => &["smc #0x0"],
    };
    let all = [("CONDUIT", conduit)].into_iter().chain(EXPECTED);
    let (_, expected) = all
        .into_iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| format!("an unknown callback: {name}"))?;
    let text: Vec<_> = words
        .iter()
        .zip((address..).step_by(4))
        .map(|(word, at)| disasm::instruction(*word, at))
        .collect();
    let matches = |(text, pattern): (&String, &&str)| match pattern.contains(' ') {
        true => without_registers(text) == *pattern,
        false => text.split(' ').next() == Some(*pattern),
    };
    if text.len() == expected.len() && text.iter().zip(expected).all(matches) {
        Ok(())
    } else {
        Err(format!("{address:#x}: {name} left {text:?}, expected {expected:?}").into())
    }
}

/// The text with `x_` for each register: which one is the compiler's choice.
fn without_registers(text: &str) -> String {
    let words =
        text.split(' ').map(|word| match word.strip_prefix('x') {
            Some(rest) if rest.trim_end_matches(',').parse::<u8>().is_ok() => {
                if rest.ends_with(',') { "x_," } else { "x_" }
            }
            _ => word,
        });
    words.collect::<Vec<_>>().join(" ")
}

/// The constant that MOVZ and three MOVK of one register load (Arm ARM C6.2).
fn loaded(words: &[u32]) -> Option<u64> {
    let [movz, movk @ ..] = words else {
        return None;
    };
    let rd = movz & 31;
    let part = |word: u32| u64::from(word >> 5 & 0xffff) << (16 * (word >> 21 & 3));
    let is_movk = |word: &u32| word & 0xff80_0000 == 0xf280_0000 && word & 31 == rd;
    let right = movz & 0xff80_0000 == 0xd280_0000 && movk.len() == 3 && movk.iter().all(is_movk);
    right.then(|| words.iter().fold(0, |value, word| value | part(*word)))
}
