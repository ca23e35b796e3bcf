//! Places that a few versions of Linux and Xen write: runtime constants, data in the text, and the
//! vectors of the hypervisor; and the header whose memory is freed.

use alt_image::diff::{Comparison, Memory, Selection, compare};
use alt_image::image::Image;
use alt_image::patching::{Answers, Expectation};
use alt_image::records::Records;
use alt_image::rewritten::{Means, Rewritten};
use alt_runtime::cap::{Cap, CapSet};
use test_support::elf_file::{ALLOC, EXEC, Elf, Section, words};

use crate::kernel::{self, BASE, NOP, Running};

/// Sections and memory beside those of [`kernel`].
const HEADER: u64 = BASE - 0x1000;
const MORE: u64 = BASE + 0x9000;
const DATA: u64 = BASE + 0xa000;
const NONE: [u64; 0] = [];

/// Adds a section, and returns its index.
fn section(elf: &mut Elf, name: &'static str, flags: u64, address: u64, bytes: &[u32]) -> u16 {
    let section = Section::new(name, flags, address, words(bytes));
    elf.sections.push(section);
    elf.sections.len() as u16
}

/// Compares the tiny kernel, and what a test has added to it, with memory: the addresses of wrong
/// words, and the comparison.
fn differences(elf: &Elf, memory: &[(u64, Vec<u32>)]) -> (Vec<u64>, Comparison) {
    let mut running = Running::new(0);
    running.set(
        kernel::at(kernel::CALLBACK),
        kernel::text()[kernel::CALLBACK],
    );
    let mut pieces = vec![(BASE, running.bytes)];
    pieces.extend(memory.iter().map(|(at, memory)| (*at, words(memory))));
    compared(elf, &pieces)
}

/// Compares an image with memory, if the cpucaps 5 and 6 are present: the addresses of wrong words,
/// and the comparison.
pub fn compared(elf: &Elf, pieces: &[(u64, Vec<u8>)]) -> (Vec<u64>, Comparison) {
    let image = Image::parse(elf.bytes()).unwrap();
    let records = Records::find(&image, None).unwrap();
    let table = alt_image::names::CapNames::default().table();
    let present: CapSet = [5, 6].map(|cap| Cap::new(cap, true)).into_iter().collect();
    let expected = Expectation::new(&image, &records, table, &present, &Answers::none()).unwrap();
    let dump: Vec<Memory<'_>> = pieces
        .iter()
        .map(|(base, bytes)| Memory { base: *base, bytes })
        .collect();
    let doubleword = |at| dump.iter().find_map(|piece| piece.doubleword(at));
    let rewritten = Rewritten::new(&image, 0, doubleword);
    let selection = Selection::default();
    let compared = compare(&image, &records, &expected, &rewritten, &dump, &selection).unwrap();
    let differences = compared.differences.iter().flat_map(|it| &it.words);
    (differences.map(|word| word.address).collect(), compared)
}

/// The number of words of a kind that were compared, and of those that are not the linker's.
pub fn accounted(comparison: &Comparison, means: Means) -> (usize, usize) {
    let mut all = comparison.accounted.iter();
    let found = all.find(|it| it.means == means);
    found.map_or((0, 0), |it| (it.words, it.changed))
}

/// The words of a text, flipped one at a time: each is the one difference, except those of `free`.
fn each_flip_is_found(elf: &Elf, memory: &[(u64, Vec<u32>)], free: &[u64]) {
    let text = &memory[0];
    for index in 0..text.1.len() {
        for bit in [0, 6, 17, 31] {
            let mut memory = memory.to_vec();
            memory[0].1[index] ^= 1 << bit;
            let address = text.0 + 4 * index as u64;
            let expected: Vec<u64> = match free.contains(&address) {
                true => Vec::new(),
                false => vec![address],
            };
            let (found, _) = differences(elf, &memory);
            assert_eq!(found, expected, "word {index}, bit {bit}");
        }
    }
}

/// `mov x1, #0xcdef`, `movk x1, #0x89ab, lsl #16`, `…, #0x4567, lsl #32`, `…, #0x123, lsl #48`,
/// `lsr w0, w25, #12`, as an assembler writes them.
const CONSTANTS: [u32; 5] = [
    0xd299_bde1,
    0xf2b1_3561,
    0xf2c8_ace1,
    0xf2e0_2461,
    0x530c_7f20,
];

/// The same with 0xffff_7753_5fe1_47c0 and 16.
const SET: [u32; 5] = [
    0xd288_f801,
    0xf2ab_fc21,
    0xf2ce_ea61,
    0xf2ff_ffe1,
    0x5310_7f20,
];

/// `ubfx w0, w19, #0, #32`, and with the 9 bits of 511.
const MASKS: [u32; 2] = [0x5300_7e60, 0x5300_2260];

fn with_constants() -> Elf {
    let mut elf = kernel::image();
    let mut text = vec![NOP; 8];
    text[2..7].copy_from_slice(&CONSTANTS);
    text[7] = MASKS[0];
    section(&mut elf, ".text.constants", ALLOC | EXEC, MORE, &text);
    let row = |at: u64, place: u64| [place.wrapping_sub(at) as u32];
    let (pointers, shifts, masks) = (DATA + 0x100, DATA + 0x200, DATA + 0x300);
    let row_of_pointer = row(pointers, MORE + 8);
    section(
        &mut elf,
        "runtime_ptr_hashtable",
        ALLOC,
        pointers,
        &row_of_pointer,
    );
    let row_of_shift = row(shifts, MORE + 24);
    section(
        &mut elf,
        "runtime_shift_hash_shift",
        ALLOC,
        shifts,
        &row_of_shift,
    );
    let row_of_mask = row(masks, MORE + 28);
    section(
        &mut elf,
        "runtime_mask_hash_mask",
        ALLOC,
        masks,
        &row_of_mask,
    );
    let data = section(&mut elf, ".data.constants", ALLOC, DATA, &[0; 5]);
    elf.symbol("hashtable", 1, data, DATA, 8);
    elf.symbol("hash_shift", 1, data, DATA + 8, 4);
    elf.symbol("hash_mask", 1, data, DATA + 12, 4);
    elf
}

#[test]
fn runtime_constants_have_the_value_of_their_variable() {
    let elf = with_constants();
    let mut text = vec![NOP; 8];
    text[2..7].copy_from_slice(&SET);
    text[7] = MASKS[1];
    // The variables of 4 bytes have neighbours.
    let data = vec![0x5fe1_47c0, 0xffff_7753, 16, 511, 0x1234];
    let memory = [(MORE, text), (DATA, data)];
    let (found, comparison) = differences(&elf, &memory);
    assert_eq!(found, NONE);
    assert_eq!(accounted(&comparison, Means::Constant), (6, 6));
    each_flip_is_found(&elf, &memory, &[]);

    // The variables are not set yet.
    let mut text = vec![NOP; 8];
    text[2..7].copy_from_slice(&CONSTANTS);
    text[7] = MASKS[0];
    let memory = [(MORE, text), (DATA, vec![0, 0, 0, 0, 0x1234])];
    let (found, comparison) = differences(&elf, &memory);
    assert_eq!(found, NONE);
    assert_eq!(accounted(&comparison, Means::Constant), (6, 0));
    each_flip_is_found(&elf, &memory, &[]);
}

#[test]
fn runtime_constants_without_a_variable_have_one_value() {
    let mut elf = kernel::image();
    let text = [CONSTANTS[..4].repeat(3), vec![NOP; 4]].concat();
    section(&mut elf, ".text.constants", ALLOC | EXEC, MORE, &text);
    let rows: Vec<u32> = (0..3)
        .map(|index| (MORE + 16 * index).wrapping_sub(DATA + 4 * index) as u32)
        .collect();
    section(&mut elf, "runtime_ptr___cache", ALLOC, DATA, &rows);
    for words in [&CONSTANTS[..4], &SET[..4]] {
        let memory = [(MORE, [words.repeat(3), vec![NOP; 4]].concat())];
        let (found, comparison) = differences(&elf, &memory);
        assert_eq!(found, NONE);
        assert_eq!(accounted(&comparison, Means::Constant).0, 12);
        each_flip_is_found(&elf, &memory, &[]);
    }
}

/// The header of a boot image of arm64 (`Documentation/arch/arm64/booting.rst`), and of PE after it.
fn header() -> Vec<u32> {
    let mut header = vec![0; 96];
    header[0] = u32::from_le_bytes(*b"MZ\x40\xfa");
    header[14] = u32::from_le_bytes(*b"ARM\x64");
    header[15] = 0x40;
    header[16] = u32::from_le_bytes(*b"PE\0\0");
    // The optional header at 0x58: PE32+, and six directories at 0xc8.
    header[22] = 0x20b;
    header[49] = 6;
    header
}

/// A kernel of this version with a header before its text.
fn with_header(version: &str) -> Elf {
    let mut elf = kernel::image();
    let index = section(&mut elf, ".head.text", ALLOC | EXEC, HEADER, &header());
    elf.symbol("_text", 0, index, HEADER, 0);
    elf.symbol("_stext", 0, 1, BASE, 0);
    let banner = format!("Linux version {version} (x) y: a banner of a kernel\n");
    let rodata = Section::new(".rodata", ALLOC, DATA, banner.into_bytes());
    elf.sections.push(rodata);
    let index = elf.sections.len() as u16;
    elf.symbol("linux_banner", 1, index, DATA, 48);
    elf
}

#[test]
fn a_signature_changes_three_words_of_the_header() {
    let elf = with_header("5.10.223-x");
    let mut signed = header();
    // The checksum, and the place and size of the certificates.
    (signed[38], signed[58], signed[59]) = (0x0241_beaa, 0x0240_ba00, 0x5c0);
    let memory = [(HEADER, signed)];
    let (found, comparison) = differences(&elf, &memory);
    assert_eq!(found, NONE);
    assert_eq!(accounted(&comparison, Means::Data), (3, 3));
    each_flip_is_found(&elf, &memory, &[38, 58, 59].map(|index| HEADER + 4 * index));

    // Without the magic numbers, with fewer directories, and cut off, it is text as any other.
    for (index, word) in [(0, 0), (14, 0), (16, 0), (22, 0x10b), (49, 4)] {
        let mut elf = elf.clone();
        let mut other = header();
        other[index] = word;
        elf.section(".head.text").bytes = words(&other);
        other[38] = 1;
        let (found, _) = differences(&elf, &[(HEADER, other)]);
        assert_eq!(found, [HEADER + 4 * 38], "{index}");
    }
    let mut elf = elf;
    elf.section(".head.text").bytes.truncate(4 * 17);
    assert_eq!(
        differences(&elf, &[(HEADER, header()[..17].to_vec())]).0,
        NONE
    );
}

#[test]
fn xen_has_a_variable_in_its_text() {
    let mut elf = kernel::image();
    let text = section(
        &mut elf,
        ".text.header",
        ALLOC | EXEC,
        MORE,
        &[NOP, NOP, 0, 0, NOP],
    );
    elf.symbol("init_ttbr", 1, text, MORE + 8, 8);
    let memory = [(MORE, vec![NOP, NOP, 0x4031_8000, 0, NOP])];
    let (found, comparison) = differences(&elf, &memory);
    assert_eq!(found, NONE);
    assert_eq!(accounted(&comparison, Means::Data), (2, 1));
    each_flip_is_found(&elf, &memory, &[MORE + 8, MORE + 12]);
}

#[test]
fn the_memory_of_the_header_is_given_back_from_5_11_on() {
    let mut memory = [(HEADER, header())];
    memory[0].1[90] = 0x5a5a_5a5a;
    for (version, is_given_back) in [
        ("5.10.262", false),
        ("5.11.0", true),
        ("6.1.192-3", true),
        ("7.3-rc1", true),
        ("unknown", false),
    ] {
        let elf = with_header(version);
        let (found, comparison) = differences(&elf, &memory);
        let sections = comparison.sections.iter();
        let given_back: Vec<&str> = sections
            .filter(|section| section.given_back)
            .map(|section| section.name.as_str())
            .collect();
        let (expected, more) = match is_given_back {
            true => (vec![], vec![".head.text"]),
            false => (vec![HEADER + 4 * 90], vec![]),
        };
        assert_eq!(found, expected, "{version}");
        assert_eq!(given_back, [more, vec![".init.text"]].concat(), "{version}");
    }
    // Unchanged, it is compared.
    let (_, comparison) = differences(&with_header("6.1.192"), &[(HEADER, header())]);
    let mut sections = comparison.sections.iter();
    let header = sections.find(|section| section.name == ".head.text");
    assert!(header.is_some_and(|section| section.compared == 96 && !section.given_back));
}

#[test]
fn vectors_of_the_hypervisor_have_one_sequence_in_each_slot() {
    // Two slots; of the sequences, one is a start of the other.
    let mut elf = kernel::image();
    let slots = vec![NOP; 1024];
    let long = vec![0xd280_0300, 0x1400_0001, 0xf100_0400];
    let short = vec![0xd280_0300, 0x1400_0001];
    let text = section(&mut elf, ".text.vectors", ALLOC | EXEC, MORE, &slots);
    elf.symbol("__bp_harden_hyp_vecs", 0, text, MORE, 4096);
    let sequences = DATA + 0x1000;
    let all = [long.clone(), short.clone()].concat();
    let rodata = section(&mut elf, ".rodata", ALLOC, sequences, &all);
    elf.symbol("__spectre_bhb_loop_k24", 1, rodata, sequences, 12);
    elf.symbol("__spectre_bhb_clearbhb", 1, rodata, sequences + 12, 8);
    let with = |slot: usize, sequence: &[u32]| {
        let mut memory = vec![NOP; 1024];
        for vector in memory[512 * slot..512 * (slot + 1)].chunks_mut(32) {
            vector[..sequence.len()].copy_from_slice(sequence);
        }
        memory
    };
    let (found, comparison) = differences(&elf, &[(MORE, with(0, &[]))]);
    assert_eq!(found, NONE);
    assert_eq!(accounted(&comparison, Means::HypVector), (0, 0));
    for (slot, sequence) in [(0, &long), (1, &long), (1, &short)] {
        let memory = with(slot, sequence);
        let (found, comparison) = differences(&elf, &[(MORE, memory.clone())]);
        assert_eq!(found, NONE);
        let words = 16 * sequence.len();
        assert_eq!(accounted(&comparison, Means::HypVector), (words, words));
        // A word of another sequence, a word of none, and a vector that was left out.
        let first = 512 * slot;
        for (index, word) in [(first, long[2]), (first + 33, 0), (first + 7, 0)] {
            let mut memory = memory.clone();
            memory[index] = word;
            let (found, _) = differences(&elf, &[(MORE, memory)]);
            assert_eq!(found, [MORE + 4 * index as u64]);
        }
        let mut left_out = memory.clone();
        left_out[first + 64..first + 66].fill(NOP);
        let (found, _) = differences(&elf, &[(MORE, left_out)]);
        let at = MORE + 4 * (first as u64 + 64);
        assert!(found.starts_with(&[at, at + 4]), "{found:x?}");
    }
}

#[test]
fn a_record_without_instructions_changes_nothing() {
    let row = |site_len: u32, len: u32| {
        let table = kernel::image().section(".altinstructions").clone();
        let field = table.address + table.bytes.len() as u64;
        let offset = |to: u64, field: u64| to.wrapping_sub(field) as u32;
        let site = offset(kernel::at(120), field);
        let other = offset(kernel::at(kernel::REPLACEMENTS), field + 4);
        words(&[site, other, 5 | site_len << 16 | len << 24])
    };
    let with = |row: &[u8]| {
        let mut elf = kernel::image();
        elf.section(".altinstructions").bytes.extend(row);
        elf
    };
    let count = |elf: &Elf| {
        let image = Image::parse(elf.bytes()).unwrap();
        Records::find(&image, None).unwrap().list().len()
    };
    let elf = with(&row(0, 0));
    assert_eq!(count(&elf), count(&kernel::image()));
    assert_eq!(differences(&elf, &[]).0, NONE);
    // With one length, it is a mistake.
    assert_eq!(count(&with(&row(0, 4))), count(&elf) + 1);
    assert_eq!(count(&with(&row(4, 0))), count(&elf) + 1);
}
