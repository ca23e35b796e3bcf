//! A tiny Linux: text, the tables of what it writes when it runs, and its memory.

use test_support::elf_file::{ALLOC, EXEC, Elf, NOBITS, RELA, Section, words};

pub const BASE: u64 = 0xffff_8000_0800_0000;
pub const NOP: u32 = 0xd503_201f;
pub const BTI_C: u32 = 0xd503_245f;
/// `mov x9, x30`
pub const SAVE: u32 = 0xaa1e_03e9;

/// The number of words of the text.
pub const WORDS: usize = 512;

// Words of the text by index.
pub const ENTRY: usize = 8;
pub const ENTRY_BTI: usize = 18;
pub const LIKELY: usize = 24;
pub const UNLIKELY: usize = 26;
pub const LABEL: usize = 40;
pub const POINTER: usize = 32;
/// Three pointers of the hypervisor.
pub const HYP: usize = 110;
/// What is subtracted for an address of EL2.
const TO_HYP: u64 = 0x7fff_1234_5000;
/// Twenty sites of cpucap 5, one of two words of cpucap 6, and one of a callback of cpucap 7.
pub const SITES: usize = 64;
pub const NOPS: usize = 96;
pub const CALLBACK: usize = 100;
pub const CALLER: usize = 200;
pub const REGS_CALLER: usize = 204;
pub const CALL: usize = 208;
pub const REPLACEMENTS: usize = 300;

const INIT: u64 = BASE + 0x1000;
const TABLE: u64 = BASE + 0x2000;
const DATA: u64 = BASE + 0x3000;
pub const BSS: u64 = BASE + 0x4000;
const END: u64 = BASE + 0x5000;

/// The address of a word of the text.
pub const fn at(index: usize) -> u64 {
    BASE + 4 * index as u64
}

/// `b` or `bl`: Arm ARM C6.2.26, C6.2.34.
pub fn branch(link: bool, from: usize, to: usize) -> u32 {
    let words = (to as i64 - from as i64) as u32 & 0x03ff_ffff;
    (if link { 0x9400_0000 } else { 0x1400_0000 }) | words
}

/// `movz x<rd>, #<imm>`: words that all differ.
fn movz(rd: u32, imm: usize) -> u32 {
    0xd280_0000 | (imm as u32) << 5 | rd
}

/// The words of the text as linked.
pub fn text() -> Vec<u32> {
    let mut text: Vec<u32> = (0..WORDS).map(|index| movz(0, index)).collect();
    text[ENTRY..ENTRY + 2].fill(NOP);
    text[ENTRY_BTI - 1] = BTI_C;
    text[ENTRY_BTI..ENTRY_BTI + 2].fill(NOP);
    text[LIKELY] = NOP;
    text[UNLIKELY] = branch(false, UNLIKELY, LABEL);
    text[POINTER..POINTER + 2].fill(0);
    text[HYP..HYP + 6].fill(0);
    text[CALL] = NOP;
    for index in 0..20 {
        text[REPLACEMENTS + index] = movz(3, index);
    }
    text
}

/// The text of a running kernel whose cpucaps 5 and 6 are present.
pub fn patched() -> Vec<u32> {
    let mut text = text();
    for index in 0..20 {
        text[SITES + index] = movz(3, index);
    }
    text[NOPS..NOPS + 2].fill(NOP);
    text
}

/// The image.
pub fn image() -> Elf {
    let mut rows: Vec<u32> = Vec::new();
    let mut record = |site: u64, other: u64, rest: u32| {
        let field = TABLE + 4 * rows.len() as u64;
        rows.push(site.wrapping_sub(field) as u32);
        rows.push(other.wrapping_sub(field + 4) as u32);
        rows.push(rest);
    };
    for index in 0..20 {
        record(
            at(SITES + index),
            at(REPLACEMENTS + index),
            5 | 4 << 16 | 4 << 24,
        );
    }
    record(at(NOPS), at(400), 6 | 1 << 15 | 8 << 16);
    record(at(CALLBACK), at(404), 7 | 1 << 15 | 4 << 16);

    // Jump table, then __mcount_loc, then .hyp.reloc.
    let mut data = Vec::new();
    for (code, target) in [(LIKELY, LABEL), (UNLIKELY, LABEL)] {
        for to in [at(code), at(target)] {
            let field = DATA + 4 * data.len() as u64;
            data.push(to.wrapping_sub(field) as u32);
        }
        data.extend([0, 0]);
    }
    data.extend([0; 4]);
    for index in 0..3_u64 {
        let field = DATA + 48 + 4 * index;
        data.push((at(HYP) + 8 * index).wrapping_sub(field) as u32);
    }
    let relocated = [
        (DATA + 32, at(ENTRY)),
        (DATA + 40, at(ENTRY_BTI)),
        (at(POINTER), DATA),
        (at(HYP), DATA + 8),
        (at(HYP + 2), BASE),
        (at(HYP + 4), DATA + 16),
        // Further pointers of the data.
        (DATA + 64, DATA),
        (DATA + 72, BASE),
    ];
    data.resize(20, 0);
    let rela = relocated.map(|(at, to)| [at, 1027, to].map(u64::to_le_bytes).concat());
    let mut elf = Elf::new(vec![
        Section::new(".text", ALLOC | EXEC, BASE, words(&text())),
        Section::new(
            ".init.text",
            ALLOC | EXEC,
            INIT,
            words(&[movz(9, 1), movz(9, 2)]),
        ),
        Section::new(".altinstructions", ALLOC, TABLE, words(&rows)),
        Section::new(".data", ALLOC, DATA, words(&data)),
        Section {
            kind: NOBITS,
            size: Some(END - BSS),
            ..Section::new(".bss", ALLOC, BSS, Vec::new())
        },
        Section {
            kind: RELA,
            ..Section::new(".rela.dyn", ALLOC, BASE + 0x8000, rela.concat())
        },
    ]);
    let function = |elf: &mut Elf, name: &str, index: usize| {
        elf.symbol(name, 2, 1, at(index), 16);
    };
    function(&mut elf, "main", 0);
    function(&mut elf, "ftrace_caller", CALLER);
    function(&mut elf, "ftrace_regs_caller", REGS_CALLER);
    function(&mut elf, "alt_cb_patch_nops", 400);
    function(&mut elf, "some_callback", 404);
    elf.symbol("ftrace_call", 0, 1, at(CALL), 0);
    for (name, section, address) in [
        ("__init_begin", 2, INIT),
        ("__init_end", 3, TABLE + 0x1000),
        ("__start___jump_table", 4, DATA),
        ("__stop___jump_table", 4, DATA + 32),
        ("__start_mcount_loc", 4, DATA + 32),
        ("__stop_mcount_loc", 4, DATA + 48),
        ("__hyp_reloc_begin", 4, DATA + 48),
        ("__hyp_reloc_end", 4, DATA + 60),
    ] {
        elf.symbol(name, 0, section, address, 0);
    }
    elf.symbol("cpu_hwcaps", 1, 5, BSS, 16);
    elf.symbol("boot_capabilities", 1, 5, BSS + 16, 16);
    elf
}

/// The memory of a running kernel, from [`BASE`] on.
pub struct Running {
    pub bytes: Vec<u8>,
}

impl Running {
    /// A kernel that runs `slide` above its link address, with cpucaps 5 and 6, and with all that it
    /// may write: a traced function, static keys in the other state, pointers.
    pub fn new(slide: u64) -> Self {
        let mut text = patched();
        text[ENTRY] = SAVE;
        text[ENTRY + 1] = branch(true, ENTRY + 1, CALLER);
        text[ENTRY_BTI] = SAVE;
        text[LIKELY] = branch(false, LIKELY, LABEL);
        text[UNLIKELY] = NOP;
        text[CALL] = branch(true, CALL, 0);
        text[CALLBACK] = 0xd400_0002;
        let mut running = Self {
            bytes: vec![0; (END - BASE) as usize],
        };
        for (index, word) in text.into_iter().enumerate() {
            running.set(at(index), word);
        }
        running.set64(at(POINTER), DATA.wrapping_add(slide));
        for (index, to) in [(HYP, DATA + 8), (HYP + 2, BASE), (HYP + 4, DATA + 16)] {
            running.set64(at(index), to.wrapping_add(slide).wrapping_sub(TO_HYP));
        }
        for (place, to) in [
            (DATA + 32, at(ENTRY)),
            (DATA + 40, at(ENTRY_BTI)),
            (DATA + 64, DATA),
            (DATA + 72, BASE),
        ] {
            running.set64(place, to.wrapping_add(slide));
        }
        running.set64(BSS, 1 << 5 | 1 << 6);
        // The init region has been freed.
        running.set(INIT, 0xcccc_cccc);
        running.set(INIT + 4, 0xcccc_cccc);
        running
    }

    pub fn word(&self, address: u64) -> u32 {
        let from = (address - BASE) as usize;
        u32::from_le_bytes(self.bytes[from..from + 4].try_into().unwrap())
    }

    pub fn set(&mut self, address: u64, word: u32) {
        let from = (address - BASE) as usize;
        self.bytes[from..from + 4].copy_from_slice(&word.to_le_bytes());
    }

    fn set64(&mut self, address: u64, value: u64) {
        self.set(address, value as u32);
        self.set(address + 4, (value >> 32) as u32);
    }

    /// As an ELF core file with two segments: other memory, and this one (ELF-64 Object File Format,
    /// figures 3 and 6).
    pub fn core(&self) -> Vec<u8> {
        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.resize(16, 0);
        file.extend([4, 0, 183, 0, 1, 0, 0, 0]);
        for value in [0_u64, 64, 0] {
            file.extend(value.to_le_bytes());
        }
        file.extend([0; 4]);
        for half in [64_u16, 56, 2, 64, 0, 0] {
            file.extend(half.to_le_bytes());
        }
        let size = self.bytes.len() as u64;
        for (offset, address, size) in [(176, 0x1000, 16), (192, 0x4020_0000, size)] {
            file.extend([1, 0, 0, 0, 7, 0, 0, 0]);
            for value in [offset, 0, address, size, size, 0] {
                file.extend(u64::to_le_bytes(value));
            }
        }
        file.extend([0x5a; 16]);
        file.extend(&self.bytes);
        file
    }
}
