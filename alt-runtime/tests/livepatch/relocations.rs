//! Relocations, compared with what GNU ld has made of them.

use alt_runtime::Insn;
use alt_runtime::insn::Form;
use alt_runtime::livepatch::{EntryError, Livepatch, LoadError, PayloadError, RelocationError};
use test_support::payload::{Payload, READ_ONLY};

use crate::kernel::{ANCHOR, Fake, IMAGE, PAYLOADS, RET};
use crate::load::load;

/// The types that payloads have.
const KINDS: [(&str, u16); 15] = [
    ("R_AARCH64_ABS64", 257),
    ("R_AARCH64_PREL64", 260),
    ("R_AARCH64_PREL32", 261),
    ("R_AARCH64_ADR_PREL_LO21", 274),
    ("R_AARCH64_ADR_PREL_PG_HI21", 275),
    ("R_AARCH64_ADD_ABS_LO12_NC", 277),
    ("R_AARCH64_LDST8_ABS_LO12_NC", 278),
    ("R_AARCH64_TSTBR14", 279),
    ("R_AARCH64_CONDBR19", 280),
    ("R_AARCH64_JUMP26", 282),
    ("R_AARCH64_CALL26", 283),
    ("R_AARCH64_LDST16_ABS_LO12_NC", 284),
    ("R_AARCH64_LDST32_ABS_LO12_NC", 285),
    ("R_AARCH64_LDST64_ABS_LO12_NC", 286),
    ("R_AARCH64_LDST128_ABS_LO12_NC", 299),
];

/// The base at which payloads of these tests run.
const BASE: u64 = 0x4000_0000;

/// A payload without functions, whose text has `bytes` at `offset`.
fn with(bytes: &[u8], offset: u32) -> Payload {
    let mut payload = Payload::new(1, IMAGE);
    payload.text = vec![RET; offset as usize / 4 + 4];
    // A misaligned place, for data.
    let mut text: Vec<u8> = payload
        .text
        .iter()
        .flat_map(|it| it.to_le_bytes())
        .collect();
    let start = offset as usize;
    text[start..start + bytes.len()].copy_from_slice(bytes);
    let words = text.as_chunks::<4>().0;
    payload.text = words.iter().map(|it| u32::from_le_bytes(*it)).collect();
    payload.hooks[0] = 0;
    payload
}

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn number(hex: &str) -> u64 {
    u64::from_str_radix(hex.trim_start_matches("0x"), 16).unwrap()
}

/// GNU as and ld have made the data.
#[test]
fn they_are_those_of_the_linker() {
    let data = include_str!("relocations.txt");
    let mut seen = Vec::new();
    for line in data.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<_> = line.splitn(6, ' ').collect();
        let [name, place, target, before, after, text] = fields[..] else {
            panic!("{line}");
        };
        let kind = KINDS.iter().find(|(known, _)| *known == name);
        let (_, kind) = kind.unwrap_or_else(|| panic!("{name}"));
        let (place, target) = (number(place), number(target));
        // Against the image, whose anchor is far away, and against the payload if that has it.
        let in_payload = target.wrapping_sub(BASE & !0xffff) as i64;
        let base = place & !0xffff;
        let offset = (place - base) as u32;
        let from_anchor = target.wrapping_sub(ANCHOR) as i64;
        let mut payload = with(&bytes(before), offset);
        payload.relocations.push((offset, *kind, 0, from_anchor));
        let loaded = |payload: &Payload| {
            let (livepatch, mut kernel) = (Livepatch::<1>::new(), Fake::new());
            kernel.next = base;
            load(&livepatch, &mut kernel, payload)
                .unwrap_or_else(|error| panic!("{line}: {error}"));
            kernel.memory(place, after.len() / 2)
        };
        assert_eq!(loaded(&payload), bytes(after), "{name}: {text}");
        let in_payload = in_payload - (base - (BASE & !0xffff)) as i64;
        if (0..payload.text.len() as i64 * 4).contains(&in_payload) {
            payload.relocations[0] = (offset, *kind, 1, in_payload);
            assert_eq!(loaded(&payload), bytes(after), "{name}: {text}");
        }
        seen.push(*kind);
    }
    for (name, kind) in KINDS {
        assert!(seen.contains(&kind), "{name} is not in the data");
    }
}

/// The error of a relocation of `word` at the start of a payload to `distance` from there, or the
/// word that it makes.
fn apply(kind: u16, word: u32, distance: i64) -> Result<u32, RelocationError> {
    let mut payload = with(&word.to_le_bytes(), 0);
    let target = PAYLOADS.wrapping_add_signed(distance);
    let target = target.wrapping_sub(ANCHOR) as i64;
    payload.relocations.push((0, kind, 0, target));
    // A second one, after it, which could be applied.
    payload.relocations.push((4, 260, 0, target));
    let (livepatch, mut kernel) = (Livepatch::<1>::new(), Fake::new());
    match load(&livepatch, &mut kernel, &payload) {
        Ok(_) => Ok(kernel.payload_word(PAYLOADS)),
        Err(LoadError::Relocation {
            index: 0,
            place: 0,
            error,
        }) => {
            assert_eq!(kernel.blocks(), 0);
            assert!(!error.to_string().is_empty());
            Err(error)
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn bounds_are_exact() {
    const MIB: i64 = 1 << 20;
    // Type, instruction, form, lowest and highest distance, step.
    for (kind, word, form, low, high, step) in [
        (274, 0x1000_0000, Form::Adr, -MIB, MIB - 1, 1),
        (
            275,
            0x9000_0000,
            Form::Adrp,
            -4096 * MIB,
            4096 * MIB - 1,
            4096,
        ),
        (279, 0x3600_0000, Form::Tbz, -32768, 32764, 4),
        (279, 0x3700_0000, Form::Tbnz, -32768, 32764, 4),
        (280, 0x5400_0000, Form::BCond, -MIB, MIB - 4, 4),
        (280, 0xb400_0000, Form::Cbz, -MIB, MIB - 4, 4),
        (280, 0x3500_0000, Form::Cbnz, -MIB, MIB - 4, 4),
        (282, 0x1400_0000, Form::B, -128 * MIB, 128 * MIB - 4, 4),
        (283, 0x9400_0000, Form::Bl, -128 * MIB, 128 * MIB - 4, 4),
    ] {
        for distance in [low, low + step, 0, high - step, high] {
            assert!(apply(kind, word, distance).is_ok(), "{kind} {distance:#x}");
        }
        for distance in [low - step, high + step.min(4)] {
            let error = apply(kind, word, distance).unwrap_err();
            let is_it = matches!(error, RelocationError::OutOfReach(error)
                if error.form == form);
            assert!(is_it, "{kind} {distance:#x}: {error}");
        }
        if step == 4 {
            assert!(apply(kind, word, 2).is_err(), "between two instructions");
        }
    }
    for distance in [i64::from(i32::MIN), i64::from(i32::MAX)] {
        assert_eq!(apply(261, RET, distance), Ok(distance as u32));
    }
    for distance in [i64::from(i32::MIN) - 1, i64::from(i32::MAX) + 1] {
        let error = RelocationError::TooFar { distance };
        assert_eq!(apply(261, RET, distance), Err(error));
    }
}

#[test]
fn loads_and_stores_are_aligned() {
    // `ldrb`, `ldrh`, `ldr w`, `ldr x`, `ldr q`.
    for (kind, word, size) in [
        (278, 0x3940_0000, 1),
        (284, 0x7940_0000, 2),
        (285, 0xb940_0000, 4),
        (286, 0xf940_0000, 8),
        (299, 0x3dc0_0000, 16),
    ] {
        assert_eq!(apply(kind, word, i64::from(size)), Ok(word | 1 << 10));
        if size > 1 {
            let target = PAYLOADS + u64::from(size) / 2;
            let error = RelocationError::Misaligned { target, size };
            assert_eq!(apply(kind, word, i64::from(size) / 2), Err(error));
        }
    }
}

/// Each type is for certain instructions: the file is refused, before there is memory.
#[test]
fn the_instruction_fits_the_type() {
    // For each type an instruction of another.
    for (kind, word) in [
        (274, 0x9000_0000),
        (275, 0x1000_0000),
        (277, 0x3100_0000), // ADDS
        (277, 0x9140_0000), // shifted
        (278, 0x7940_0000),
        (279, 0xb400_0000),
        (280, 0x3600_0000),
        (282, 0x5400_0000),
        (283, 0xd63f_0000),
        (284, 0x3940_0000),
        (285, 0xf940_0000),
        (286, 0xb940_0000),
        (299, 0xf940_0000),
        (299, 0x7dc0_0000), // unallocated
    ] {
        let mut payload = with(&u32::to_le_bytes(word), 0);
        payload.relocations.push((0, kind, 0, 0));
        let (livepatch, mut kernel) = (Livepatch::<1>::new(), Fake::new());
        let error = load(&livepatch, &mut kernel, &payload).unwrap_err();
        let word = Insn(word);
        let wrong = EntryError::Relocation(RelocationError::WrongInstruction { kind, word });
        let is_it = matches!(error, LoadError::Payload(PayloadError::Entry { error, .. })
            if error == wrong);
        assert!(is_it, "{kind}: {error}");
        assert_eq!(*kernel.log.borrow(), []);
    }
}

/// A place in data, of 8 bytes, that is not aligned.
#[test]
fn data_need_not_be_aligned() {
    let mut payload = with(&[], 0);
    payload.read_only = vec![0xaa; 16];
    let at = READ_ONLY + 3;
    payload.relocations.push((at, 257, 1, 8));
    let (livepatch, mut kernel) = (Livepatch::<1>::new(), Fake::new());
    load(&livepatch, &mut kernel, &payload).unwrap();
    let found = kernel.memory(PAYLOADS + u64::from(at) - 1, 10);
    let pointer = (PAYLOADS + 8).to_le_bytes();
    assert_eq!(found, [&[0xaa][..], &pointer, &[0xaa]].concat());
}
