//! Images made byte by byte, without a compiler.

pub use test_support::elf_file::{ALLOC, EXEC, Elf, NOBITS, RELA, Section, words};

/// Where the text is linked.
pub const TEXT: u64 = 0x4020_0000;

const NOP: u32 = 0xd503_201f;
const RET: u32 = 0xd65f_03c0;

/// An image with one record of each kind, of alt-runtime's layout: docs/records.md.
pub fn image() -> Elf {
    let (branches, records) = (TEXT + 0x1000, TEXT + 0x1010);
    let (replacements, callbacks) = (TEXT + 0x1040, TEXT + 0x1060);
    let site = |at: u64, index: u64| (TEXT + 4 * index).wrapping_sub(at) as u32;
    let mut table = Vec::new();
    // Cap 2 replaces words 1 and 2 by an ADD; cap 3 makes word 4 a NOP; word 5 is a callback's.
    let rows = [
        (1, replacements, 2_u32 | 2 << 16 | 1 << 24),
        (4, 0, 3 | 1 << 15 | 1 << 16),
        (5, callbacks, 4 | 1 << 15 | 1 << 16 | 1 << 24),
    ];
    for ((index, other, rest), at) in rows.into_iter().zip((records..).step_by(12)) {
        let other = match other {
            0 => 0,
            other => other.wrapping_sub(at + 4) as u32,
        };
        table.extend([site(at, index), other, rest]);
    }
    let text = [NOP, 0x9100_0400, NOP, NOP, RET, NOP, 0x97ff_fffa, RET];
    let mut elf = Elf::new(vec![
        Section::new(".text", ALLOC | EXEC, TEXT, words(&text)),
        // Cap 1 makes word 0 a B to word 3.
        Section::new(
            "alt_branches",
            ALLOC,
            branches,
            words(&[site(branches, 0), 1 | 3 << 16]),
        ),
        Section::new("alt_records", ALLOC, records, words(&table)),
        Section::new(
            "alt_replacements",
            ALLOC,
            replacements,
            words(&[0x9100_0800]),
        ),
        Section::new("alt_callbacks", ALLOC, callbacks, vec![0; 24]),
        Section {
            kind: NOBITS,
            size: Some(5 * 12),
            ..Section::new("alt_plan", ALLOC, TEXT + 0x1080, Vec::new())
        },
        Section {
            kind: RELA,
            // R_AARCH64_CALL26 of word 6, to the first symbol but one.
            bytes: [TEXT + 24, 2 << 32 | 283, 0].map(u64::to_le_bytes).concat(),
            info: 1,
            ..Section::new(".rela.text", 0, 0, Vec::new())
        },
        Section::new(".alt_cpucaps", 0, 0, cpucaps()),
    ]);
    elf.symbol("$x", 0, 1, TEXT, 0);
    elf.symbol("_RNvCs1234_4demo4main", 2, 1, TEXT, 32);
    elf.symbol("__alt_layout_version", 0, 0xfff1, 2, 0);
    for index in 1..=5_u16 {
        let section = elf.sections[usize::from(index)].clone();
        let end = section.address + section.size.unwrap_or(section.bytes.len() as u64);
        let name = section.name;
        elf.symbol(&format!("__start_{name}"), 0, index + 1, section.address, 0);
        elf.symbol(&format!("__stop_{name}"), 0, index + 1, end, 0);
    }
    elf
}

/// An image with a table of Linux's: one replacement, NOPs, and a callback.
pub fn linux() -> Elf {
    let (text, table) = (0xffff_8000_8001_0000, 0xffff_8000_8002_0000);
    let mut rows = Vec::new();
    // Site, replacement or function, cap, lengths in bytes.
    let records = [
        (text, text + 0x20, 5_u32 | 4 << 16 | 4 << 24),
        (text + 4, text + 0x28, 6 | 1 << 15 | 4 << 16),
        (text + 8, text + 0x2c, 7 | 1 << 15 | 8 << 16),
    ];
    for ((site, other, rest), at) in records.into_iter().zip((table..).step_by(12)) {
        let from = |to: u64, field: u64| to.wrapping_sub(field) as u32;
        rows.extend([from(site, at), from(other, at + 4), rest]);
    }
    let mut code = vec![0x9100_0400, RET, NOP, NOP, 0x1400_0000, RET, NOP, NOP];
    // The replacement, a RET after it, and the two callbacks.
    code.extend([0x9100_0800, RET, RET, RET]);
    let mut elf = Elf::new(vec![
        Section::new(".text", ALLOC | EXEC, text, words(&code)),
        Section::new(".altinstructions", ALLOC, table, words(&rows)),
    ]);
    elf.symbol("_stext", 0, 1, text, 0);
    elf.symbol("main", 2, 1, text, 32);
    elf.symbol("alt_cb_patch_nops", 2, 1, text + 0x28, 4);
    elf.symbol("__alt_instructions", 0, 2, table, 0);
    elf.symbol("__alt_instructions_end", 0, 2, table + 36, 0);
    elf
}

/// Five cpucaps, and the marks that all of them are possible.
fn cpucaps() -> Vec<u8> {
    let cap = |name| {
        format!(
            "[{name}]\ndoc = \"A cpucap.\"\nscope = \"system\"\nkind = \"feature\"\n\
             detect = {{ field = \"ID_AA64ISAR0_EL1.Atomic\", min = 2 }}\n"
        )
    };
    let text: String = ["A", "B", "C", "D", "E"].map(cap).concat();
    [text.as_bytes(), b"\0", b"11111\0"].concat()
}
