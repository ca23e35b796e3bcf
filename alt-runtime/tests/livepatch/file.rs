//! Files that are no payloads, by their headers and segments: each is refused with what is wrong, and
//! where.

use alt_runtime::livepatch::format::{HookKind, MAX_SPAN};
use alt_runtime::livepatch::{Payload, PayloadError, SegmentError, TableError};
use test_support::payload::{DATA, HEADER, Payload as Maker, READ_ONLY};

use crate::kernel::{IMAGE, NOP, RET, patch};

/// A payload that has something of everything.
pub fn rich() -> Maker {
    let mut payload = patch(1, &[1, 2], 9);
    payload.text.extend([NOP, RET]);
    payload.symbols.push((16, 8, "kernel::new".into()));
    payload.expectations.push((0x104, RET));
    // A branch record for the NOP at 16: `b .+4`, if the CPU has cap 0.
    let record = READ_ONLY as i32;
    payload.read_only.extend((16 - record).to_le_bytes());
    payload.read_only.extend([0, 0, 1, 0]);
    payload.branches = (READ_ONLY, 1);
    // An alternative for the same function's second word, whose replacement is in the text too.
    let at = READ_ONLY as i32 + 8;
    payload.read_only.extend((20 - at).to_le_bytes());
    payload.read_only.extend((24 - (at + 4)).to_le_bytes());
    payload.read_only.extend([0, 0, 1, 1]);
    payload.alternatives = (READ_ONLY + 8, 1);
    payload.text.push(RET);
    payload.replacements = (24, 4);
    // A pointer to the new function in the writable segment.
    payload.data(&[0; 8], 64);
    payload.relocations.push((DATA, 257, 1, 16));
    payload.hooks[0] = 16;
    payload
}

pub fn refused(file: &[u8]) -> PayloadError {
    let error = Payload::parse(file).expect_err("accepted");
    assert!(!error.to_string().is_empty());
    error
}

/// The error of the rich payload after a change.
pub fn changed(change: impl FnOnce(&mut Maker)) -> PayloadError {
    let mut payload = rich();
    change(&mut payload);
    refused(&payload.build())
}

/// The error after `value` is written to the file.
fn written(at: usize, value: &[u8]) -> PayloadError {
    let mut file = rich().build();
    file[at..at + value.len()].copy_from_slice(value);
    refused(&file)
}

/// Where program header `index` is in the file.
const fn segment(index: usize) -> usize {
    64 + 56 * index
}

/// Where the description is in the file, and in which program header.
pub fn description(file: &[u8]) -> usize {
    let at = segment(3) + 8;
    u64::from_le_bytes(file[at..at + 8].try_into().unwrap()) as usize
}

pub fn written_to_description(at: usize, value: &[u8]) -> PayloadError {
    written(description(&rich().build()) + at, value)
}

#[test]
fn the_rich_payload_is_accepted() {
    let file = rich().build();
    let payload = Payload::parse(&file).unwrap();
    assert_eq!((payload.id(), payload.image()), ([1; 20], IMAGE));
    assert_eq!(payload.parent(), IMAGE);
    assert_eq!(payload.name(), "payload-1");
    let functions: Vec<_> = payload.functions().collect();
    let names = functions
        .iter()
        .map(|it| payload.text(it.name, it.name_len));
    let names: Vec<_> = names.collect();
    assert_eq!(names, ["kernel::function_1", "kernel::function_2"]);
    assert_eq!(payload.words(&functions[1]).count(), 1);
    assert_eq!(payload.expectations().count(), 1);
    assert_eq!(payload.relocations().count(), 1);
    assert_eq!(payload.symbols().count(), 1);
    assert_eq!(payload.bytes_at(16).unwrap()[..4], NOP.to_le_bytes());
    assert_eq!(
        payload.bytes_at(DATA + 8),
        None,
        "zeros are not in the file"
    );
    assert_eq!(payload.bytes_at(0x1000), None);
}

/// Behaviour 22: truncated at each byte.
#[test]
fn truncated_at_each_byte() {
    let file = rich().build();
    for len in 0..file.len() {
        let error = refused(&file[..len]);
        let is_expected = match len {
            0..4 => error == PayloadError::NotElf,
            // The description is the last segment, and all of the others is before it.
            _ => matches!(error, PayloadError::Truncated { needed, len: found, .. }
                if needed > found && found == len as u64),
        };
        assert!(is_expected, "{len}: {error}");
    }
}

/// The same with the size of the segment and in the header made to fit, so that the tables are cut.
#[test]
fn description_cut_at_each_word() {
    let file = rich().build();
    let start = description(&file);
    let whole = file.len() - start;
    for size in 0..whole {
        let mut file = file[..start + size].to_vec();
        let field = segment(3) + 32;
        file[field..field + 8].copy_from_slice(&(size as u64).to_le_bytes());
        if size >= HEADER {
            file[start + 12..start + 16].copy_from_slice(&(size as u32).to_le_bytes());
        }
        let error = refused(&file);
        let is_expected = match size {
            0..HEADER => matches!(error, PayloadError::Description { .. }),
            _ => matches!(
                error,
                PayloadError::Table {
                    error: TableError::Outside,
                    ..
                }
            ),
        };
        assert!(is_expected, "{size}: {error}");
    }
}

#[test]
fn elf_headers_of_other_files() {
    let header = |field, found, expected| PayloadError::Header {
        field,
        found,
        expected,
    };
    for (at, value, error) in [
        (4, &[1][..], header("EI_CLASS", 1, 2)),
        (5, &[2], header("EI_DATA", 2, 1)),
        (6, &[0], header("EI_VERSION", 0, 1)),
        (7, &[9], header("EI_OSABI", 9, 0)),
        (16, &[1, 0], header("e_type", 1, 3)),
        (18, &[62, 0], header("e_machine", 62, 183)),
        (20, &[2], header("e_version", 2, 1)),
        (52, &[52, 0], header("e_ehsize", 52, 64)),
        (54, &[32, 0], header("e_phentsize", 32, 56)),
        (56, &[0, 0], PayloadError::SegmentCount { found: 0 }),
        (56, &[5, 0], PayloadError::SegmentCount { found: 5 }),
    ] {
        assert_eq!(written(at, value), error);
    }
    assert_eq!(written(0, b"\x7fELE"), PayloadError::NotElf);
    let offset = written(32, &u64::MAX.to_le_bytes());
    assert!(matches!(offset, PayloadError::Truncated { .. }), "{offset}");
    // Without the description.
    assert_eq!(written(56, &[3, 0]), PayloadError::NoDescription);
}

#[test]
fn segments_that_cannot_be_used() {
    use SegmentError::{
        Empty, Flags, Misaligned, Order, Sizes, TooLarge, Twice, Type, WritableAndExecutable,
    };
    let long = |value: u64| value.to_le_bytes();
    let (kind, flags, address, in_file, memory) = (0, 4, 16, 32, 40);
    let max = u64::from(MAX_SPAN);
    for (index, field, value, error) in [
        (0, kind, &[2, 0, 0, 0][..], Type { found: 2 }),
        (0, flags, &[7], WritableAndExecutable),
        (0, flags, &[3], WritableAndExecutable),
        (0, flags, &[1], Flags { found: 1 }),
        (1, flags, &[0], Flags { found: 0 }),
        (1, flags, &[5], Twice),
        (0, kind, &0x7061_6c74_u32.to_le_bytes(), Twice),
        (1, address, &long(0), Order { address: 0 }),
        (
            1,
            address,
            &long(0x1_0004),
            Misaligned { address: 0x1_0004 },
        ),
        (2, memory, &long(0), Empty),
        (2, memory, &long(7), Sizes { file: 8, memory: 7 }),
        (
            0,
            memory,
            &long(32),
            Sizes {
                file: 28,
                memory: 32,
            },
        ),
        (
            2,
            memory,
            &long(max),
            TooLarge {
                end: max + u64::from(DATA),
            },
        ),
        (2, memory, &long(u64::MAX), TooLarge { end: u64::MAX }),
    ] {
        // A second description: named where the second one is.
        let is_second = (index, field, error) == (0, kind, Twice);
        let expected = PayloadError::Segment {
            index: if is_second { 3 } else { index },
            error,
        };
        let at = segment(usize::from(index)) + field;
        assert_eq!(written(at, value), expected);
    }
    // Read-only after writable.
    let mut file = rich().build();
    file[segment(1) + flags] = 6;
    file[segment(2) + flags] = 4;
    let error = Order {
        address: DATA.into(),
    };
    assert_eq!(refused(&file), PayloadError::Segment { index: 2, error });
    // Not whole instructions.
    let mut file = rich().build();
    file[segment(0) + in_file..][..8].copy_from_slice(&long(26));
    file[segment(0) + memory..][..8].copy_from_slice(&long(26));
    let error = Sizes {
        file: 26,
        memory: 26,
    };
    assert_eq!(refused(&file), PayloadError::Segment { index: 0, error });
    // Past the end of the file.
    let at = segment(0) + in_file;
    let mut bytes = rich().build();
    bytes[at..at + 8].copy_from_slice(&long(u64::MAX));
    assert!(matches!(refused(&bytes), PayloadError::Truncated { .. }));
    // No executable one.
    let mut file = rich().build();
    file[segment(0) + flags] = 4;
    file[56] = 4;
    let error = refused(&file);
    let index = 1;
    assert_eq!(
        error,
        PayloadError::Segment {
            index,
            error: Twice
        }
    );
    let mut file = patch(1, &[1], 2).build();
    file[segment(0)..segment(3)].copy_within(56..168, 0);
    file[56] = 2;
    assert_eq!(refused(&file), PayloadError::NoText);
}

#[test]
fn descriptions_that_cannot_be_used() {
    let file = rich().build();
    let (start, size) = (description(&file), file.len() - description(&file));
    assert_eq!(written_to_description(0, b"b"), PayloadError::Magic);
    assert_eq!(
        written_to_description(8, &[2]),
        PayloadError::Version { found: 2 }
    );
    let error = written_to_description(12, &176_u32.to_le_bytes());
    let found = size as u64;
    assert_eq!(error, PayloadError::Size { stated: 176, found });
    // Misaligned.
    let mut moved = file.clone();
    moved.insert(start, 0);
    moved[segment(3) + 8] += 1;
    assert!(matches!(refused(&moved), PayloadError::Description { .. }));

    let flags = |change: fn(&mut Maker)| changed(change);
    assert_eq!(
        flags(|payload| payload.flags = 3),
        PayloadError::Flags { found: 3 }
    );
    assert_eq!(
        flags(|payload| payload.flags = 0),
        PayloadError::Flags { found: 0 }
    );
    let empty = Maker::new(1, IMAGE);
    let mut empty = Maker {
        text: vec![RET],
        ..empty
    };
    assert_eq!(refused(&empty.build()), PayloadError::Nothing);
    empty.hooks[5] = 0;
    assert!(Payload::parse(&empty.build()).is_ok(), "a hook alone");
    for offset in [2, 4, READ_ONLY] {
        empty.hooks[5] = offset;
        let hook = HookKind::Unload;
        assert_eq!(refused(&empty.build()), PayloadError::Hook { hook, offset });
    }
}
