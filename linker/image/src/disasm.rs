//! Disassembly.
//!
//! Two decoders are combined: yaxpeax-arm has the preferred aliases (`mov`, `cmp`, `lsl`), disarm64
//! the system registers, the newest extensions and absolute branch targets. A word that neither
//! decodes is shown as `.inst`.

use alt_runtime::insn::{Class, Form, Insn};
use yaxpeax_arch::{Decoder, U8Reader};
use yaxpeax_arm::armv8::a64::InstDecoder;

use crate::code::Reference;

/// The text of the instruction `word` at `address`; branch targets are absolute.
pub fn instruction(word: u32, address: u64) -> String {
    aliases(word)
        .filter(|text| !says_too_little(text))
        .or_else(|| names(word, address))
        .unwrap_or_else(|| format!(".inst {word:#010x}"))
}

/// Whether a decoder knows the instruction `word`. UDF counts as known.
pub fn is_known(word: u32) -> bool {
    word >> 16 == 0 || aliases(word).is_some() || operation(word).is_some()
}

/// The text of [`instruction`], and the name of the target of its last operand, from `name`; no name
/// for an ADRP, whose target is a page.
pub fn with_target(
    word: u32,
    address: u64,
    name: impl FnOnce(u64) -> Option<String>,
) -> (String, Option<String>) {
    let text = instruction(word, address);
    let target = Reference::of(address, word)
        .filter(|reference| reference.form != Form::Adrp)
        .map(|reference| reference.target)
        .filter(|target| strip_target(&text, *target).is_some())
        .and_then(name);
    (text, target)
}

/// The text of a PC-relative instruction up to its target, `cbz x0, `; `None` for other
/// instructions.
pub fn before_target(word: u32) -> Option<String> {
    let Class::Relative(relative) = Insn(word).classify() else {
        return None;
    };
    // An address that keeps the target from looking like an offset.
    let address = 0x4000_0000;
    let text = instruction(word, address);
    let target = relative.target(address);
    strip_target(&text, target).map(String::from)
}

/// The text without the address `target` at its end.
pub fn strip_target(text: &str, target: u64) -> Option<&str> {
    text.strip_suffix(format!("{target:#x}").as_str())
        .filter(|rest| rest.ends_with(' '))
}

/// The text of yaxpeax-arm.
fn aliases(word: u32) -> Option<String> {
    let bytes = word.to_le_bytes();
    let decoded = InstDecoder::default().decode(&mut U8Reader::new(&bytes));
    decoded.ok().map(|instruction| instruction.to_string())
}

/// Whether a text has numbers in place of names, or a target relative to `$`.
fn says_too_little(text: &str) -> bool {
    let mnemonic = text.split(' ').next().unwrap_or_default();
    text.contains('$') || matches!(mnemonic, "mrs" | "msr" | "hint" | "sys")
}

/// The text of disarm64, with the aliases of SYS added.
fn names(word: u32, address: u64) -> Option<String> {
    if let Some(text) = system_alias(word) {
        return Some(text);
    }
    let operation = operation(word)?;
    let mut text = String::new();
    disarm64::format_insn::format_insn_pc(address, &mut text, &operation).ok()?;
    // It separates by tabs, and marks operands that it cannot format (SVE) with colons.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.contains(':')).then_some(text)
}

/// The instruction that disarm64 decodes.
fn operation(word: u32) -> Option<disarm64::decoder::Opcode> {
    // Scalar shifts by immediate with immh of 0 are unallocated (Arm ARM, SSHR and SHL, scalar).
    // disarm64 decodes them as shifts, and its formatter overflows.
    let no_shift = word & 0xdff8_0400 == 0x5f00_0400;
    disarm64::decoder::decode(word).filter(|_| !no_shift)
}

/// Aliases of SYS that kernels use: cache and TLB maintenance, address translation (Arm ARM C5.3 to
/// C5.5).
fn system_alias(word: u32) -> Option<String> {
    if word & 0xfff8_0000 != 0xd508_0000 {
        return None;
    }
    let field = |low: u32, bits: u32| (word >> low) & ((1 << bits) - 1);
    let name = match (field(16, 3), field(12, 4), field(8, 4), field(5, 3)) {
        (0, 7, 1, 0) => "ic ialluis",
        (0, 7, 5, 0) => "ic iallu",
        (3, 7, 5, 1) => "ic ivau",
        (0, 7, 6, 1) => "dc ivac",
        (0, 7, 6, 2) => "dc isw",
        (0, 7, 10, 2) => "dc csw",
        (0, 7, 14, 2) => "dc cisw",
        (3, 7, 4, 1) => "dc zva",
        (3, 7, 4, 3) => "dc gva",
        (3, 7, 10, 1) => "dc cvac",
        (3, 7, 11, 1) => "dc cvau",
        (3, 7, 12, 1) => "dc cvap",
        (3, 7, 13, 1) => "dc cvadp",
        (3, 7, 14, 1) => "dc civac",
        (0, 7, 8, 0) => "at s1e1r",
        (0, 7, 8, 1) => "at s1e1w",
        (0, 7, 8, 2) => "at s1e0r",
        (0, 7, 8, 3) => "at s1e0w",
        (0, 7, 9, 0) => "at s1e1rp",
        (0, 7, 9, 1) => "at s1e1wp",
        (0, 8, 3, 0) => "tlbi vmalle1is",
        (0, 8, 3, 1) => "tlbi vae1is",
        (0, 8, 3, 2) => "tlbi aside1is",
        (0, 8, 3, 3) => "tlbi vaae1is",
        (0, 8, 3, 5) => "tlbi vale1is",
        (0, 8, 3, 7) => "tlbi vaale1is",
        (0, 8, 7, 0) => "tlbi vmalle1",
        (0, 8, 7, 1) => "tlbi vae1",
        (0, 8, 7, 2) => "tlbi aside1",
        (0, 8, 7, 3) => "tlbi vaae1",
        (4, 8, 3, 0) => "tlbi alle2is",
        (4, 8, 3, 4) => "tlbi alle1is",
        (4, 8, 3, 6) => "tlbi vmalls12e1is",
        (3, 7, 3, 4) => "cfp rctx",
        (3, 7, 3, 5) => "dvp rctx",
        (3, 7, 3, 7) => "cpp rctx",
        _ => return None,
    };
    Some(match field(0, 5) {
        31 => name.into(),
        register => format!("{name}, x{register}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words and texts of GNU as and objdump 2.40; numbers are in the format of this module.
    const KNOWN: &[(u32, &str)] = &[
        (0xd503_201f, "nop"),
        (0xd65f_03c0, "ret"),
        (0xf8e1_0062, "ldaddal x1, x2, [x3]"),
        (0xf821_007f, "stadd x1, [x3]"),
        (0xc8e1_fc62, "casal x1, x2, [x3]"),
        (0x9ac2_5c20, "crc32cx w0, w1, x2"),
        (0xd500_419f, "msr pan, #0x1"),
        (0xd500_407f, "msr uao, #0x0"),
        (0xd503_4fdf, "msr daifset, #0xf"),
        (0xd503_415f, "msr dit, #0x1"),
        (0xd503_30ff, "sb"),
        (0xd503_309f, "ssbb"),
        (0xd503_3b9f, "dsb ish"),
        (0xd503_3fdf, "isb"),
        (0xd503_20bf, "sevl"),
        (0xd503_245f, "bti c"),
        (0xd503_233f, "paciasp"),
        (0xd50b_7b20, "dc cvau, x0"),
        (0xd50b_7c20, "dc cvap, x0"),
        (0xd50b_7d20, "dc cvadp, x0"),
        (0xd50b_7520, "ic ivau, x0"),
        (0xd508_711f, "ic ialluis"),
        (0xd508_831f, "tlbi vmalle1is"),
        (0xd508_7800, "at s1e1r, x0"),
        (0xd503_1000, "wfet x0"),
        (0xd503_205f, "wfe"),
        (0xf8bf_c020, "ldapr x0, [x1]"),
        (0xd53b_2400, "mrs x0, rndr"),
        (0xd53b_e0c0, "mrs x0, cntvctss_el0"),
        (0xd53b_e040, "mrs x0, cntvct_el0"),
        (0xd538_0640, "mrs x0, id_aa64isar2_el1"),
        (0xd518_4600, "msr icc_pmr_el1, x0"),
        (0x1d01_0440, "cpyp [x0]!, [x1]!, x2!"),
        (0x19c2_8420, "sete [x0]!, x1!, x2"),
        (0xaa01_03e0, "mov x0, x1"),
        (0xf100_101f, "cmp x0, #0x4"),
        (0xf2fb_d5a0, "movk x0, #0xdead, lsl #48"),
        (0xf940_0420, "ldr x0, [x1, #0x8]"),
        (0xf840_0820, "ldtr x0, [x1]"),
        (0xffff_ffff, ".inst 0xffffffff"),
        // SVE `ptrue p0.b`: named by disarm64, but without its operands.
        (0x2518_e3e0, ".inst 0x2518e3e0"),
    ];

    #[test]
    fn texts_are_those_of_the_assembler() {
        for (word, text) in KNOWN {
            assert_eq!(instruction(*word, 0x4020_0000), *text, "{word:#010x}");
        }
    }

    /// Shifts by immediate of SIMD and FP, with every size, including unallocated ones.
    #[test]
    fn shifts_of_every_size() {
        for fields in 0..1_u32 << 15 {
            // Q or scalar, U, immh, immb, opcode.
            let (q, u, scalar) = (fields & 1, fields >> 1 & 1, fields >> 2 & 1);
            let (immediate, opcode) = (fields >> 3 & 0x7f, fields >> 10 & 0x1f);
            let class = if scalar == 1 {
                0x5f00_0400
            } else {
                0x0f00_0400 | q << 30
            };
            instruction(class | u << 29 | immediate << 16 | opcode << 11, 0x1000);
        }
        assert_eq!(instruction(0x5f00_5400, 0), ".inst 0x5f005400");
        assert!(!is_known(0x5f00_5400));
    }

    #[test]
    fn targets_are_absolute() {
        let at = |word| instruction(word, 0x4020_0100);
        assert_eq!(at(0x1400_0004), "b 0x40200110");
        assert_eq!(at(0x17ff_fffe), "b 0x402000f8");
        assert_eq!(at(0x9400_0010), "bl 0x40200140");
        assert_eq!(at(0x5400_0040), "b.eq 0x40200108");
        assert_eq!(at(0xb4ff_ffe0), "cbz x0, 0x402000fc");
        assert_eq!(at(0xb608_0040), "tbz x0, #33, 0x40200108");
        assert_eq!(at(0x1000_00a0), "adr x0, 0x40200114");
        assert_eq!(at(0x5800_0100), "ldr x0, 0x40200120");
    }

    #[test]
    fn targets_have_names() {
        let name = |target| (target == 0x4020_0110).then(|| "memcpy+0x10".into());
        let at = |word| with_target(word, 0x4020_0100, name).1;
        assert_eq!(at(0x1400_0004).as_deref(), Some("memcpy+0x10"));
        assert_eq!(at(0xb400_0080).as_deref(), Some("memcpy+0x10"));
        // Targets: another place, a page, no place.
        assert_eq!(at(0x1400_0005), None);
        assert_eq!(at(0x9000_0000), None);
        assert_eq!(at(0xd503_201f), None);
    }
}
