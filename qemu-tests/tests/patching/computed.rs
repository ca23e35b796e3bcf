//! What the callbacks of kernel-demo make of their sites, by name.

use qemu_tests::results::Entry;
use qemu_tests::{Image, Memory, disasm};

use crate::Result;
use crate::machines::Registers;

/// What only the run knows, and where it was found without asking a callback.
pub struct Known<'a> {
    image: &'a Image,
    entry: Entry,
    /// The tag of the hypervisor's addresses: random, and in the guest's memory.
    pub tag: u64,
    /// CTR_EL0, of CPUs that are all alike.
    pub cache_type: u64,
}

/// The hypervisor's addresses are those of the kernel in the bits below, and the tag from here on.
pub const TAG_BIT: u32 = 39;

impl<'a> Known<'a> {
    /// Looks at what the guest has left, and at the registers that it has read.
    pub fn new(image: &'a Image, entry: Entry, after: &Memory, said: &Registers) -> Result<Self> {
        let tag = image.variable("hyp::layout::TAG").ok_or("no TAG")?;
        let tag = after.word(tag)?.into();
        if !(1..256).contains(&tag) {
            return Err(format!("the tag is {tag:#x}").into());
        }
        Ok(Self {
            image,
            entry,
            tag,
            cache_type: *said.get("CTR_EL0").ok_or("no CTR_EL0")?,
        })
    }

    /// Where the vectors go that are at `address`: `enter` of the same variant, as EL2 has it.
    pub fn enter(&self, address: u64) -> Result<u64> {
        let mut variants = ["nvhe", "vhe"].into_iter();
        let variant = variants.find(|variant| {
            let section = self.image.section(&format!(".hyp.{variant}.text"));
            section.is_some_and(|section| section.range.contains(&address))
        });
        let variant = variant.ok_or_else(|| format!("{address:#x} is in no hypervisor"))?;
        let enter = self.image.symbol(&format!("__hyp_{variant}_enter"))?;
        Ok(enter | self.tag << TAG_BIT)
    }
}

/// Mnemonics and, where the value is fixed, operands of each instruction.
const EXPECTED: [(&str, &[&str]); 3] = [
    ("LOOP_COUNT", &["mov x_, #0x18"]),
    // The tag is looked at apart.
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
pub fn is_right(name: &str, address: u64, words: &[u32], known: &Known) -> Result<()> {
    let name = name.rsplit("::").next().unwrap_or(name);
    let constant = match name {
        "OFFSET" => Some((loaded(words), OFFSET)),
        "HYP_OFFSET" => Some((loaded(words), known.tag << TAG_BIT)),
        "HYP_CACHE_TYPE" => Some((loaded(words), known.cache_type)),
        "HYP_VECTOR" => Some((branched(words), known.enter(address)?)),
        _ => None,
    };
    if let Some((found, expected)) = constant {
        return match found == Some(expected) {
            true => Ok(()),
            false => {
                Err(format!("{address:#x}: {name} has {found:x?}, expected {expected:#x}").into())
            }
        };
    }
    // ADD (immediate): imm12 is in bits 21 to 10 (Arm ARM C6.2).
    if let ("HYP_ADDRESS", [_, _, low, high, _]) = (name, words)
        && (low >> 10 & 0xfff, high >> 10 & 0xfff) != (known.tag as u32, 0)
    {
        return Err(format!("{address:#x}: the tag is not {:#x}: {words:x?}", known.tag).into());
    }
    // QEMU's firmware is called by HVC where that is not EL2's.
    let conduit: &[&str] = match known.entry {
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

/// The address that MOVZ and two MOVK of x0 load, and BR x0 goes to.
fn branched(words: &[u32]) -> Option<u64> {
    const BR_X0: u32 = 0xd61f_0000;
    // movk x0, #0, lsl #48
    const NOTHING: u32 = 0xf2e0_0000;
    match words {
        [low @ .., BR_X0] if low.iter().all(|word| word & 31 == 0) => {
            loaded(&[low, &[NOTHING]].concat())
        }
        _ => None,
    }
}
