//! Each rule of `alt verify` for payloads, by a payload that breaks it and no other.

use std::collections::BTreeSet;

use alt_image::image::Image;
use alt_livepatch::payload::{InMemory, LogString, Part, PartKind, PlaceError, Target};
use alt_livepatch::verify::{self, RULES, is_payload};
use alt_runtime::livepatch::format::{
    BASE_PAYLOAD, Entry, FUNCTION_LANDING_PAD, Function, Header, HookKind, MAGIC, Relocation, Span,
};

use crate::small::*;

/// A payload with something in each table, for an image of eight words.
fn good() -> (Image, Vec<u8>) {
    let image = image(&[NOP, NOP, RET, RET, NOP, RET, RET, RET], &[]);
    let parts = [
        function("f", &[NOP, BL, RET])
            .replaces(0, 8)
            .refers(4, CALL26, Target::Image(TEXT + 8), 0),
        function("g", &[NOP, NOP, RET]).replaces(16, 8),
        function("new", &[RET]),
        part(
            PartKind::Alternatives,
            "g",
            &[0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1],
        )
        .refers(0, PREL32, Target::Part(1), 4)
        .refers(4, PREL32, Target::Part(4), 0),
        part(PartKind::Replacements, "g", &bytes(&[0xd503_203f])),
    ];
    let more = More {
        hooks: &[(HookKind::Load, 2)],
        expectations: &[(TEXT + 8, RET)],
        log_strings: &[LogString {
            symbol: "hello".to_owned(),
            index: 3,
        }],
        ..More::default()
    };
    let parts: Vec<Part> = parts.into_iter().collect();
    let file = build(&image, &parts, &more).unwrap();
    (image, file)
}

/// The place of the description.
fn description(file: &[u8]) -> usize {
    file.windows(8).position(|window| window == MAGIC).unwrap()
}

fn header(file: &mut [u8], change: impl FnOnce(&mut Header)) {
    let at = description(file);
    let bytes = file[at..][..Header::SIZE].try_into().unwrap();
    let mut header = Header::from_bytes(bytes).unwrap();
    change(&mut header);
    file[at..][..Header::SIZE].copy_from_slice(&header.to_bytes());
}

fn span(file: &mut [u8], of: impl FnOnce(&Header) -> Span) -> Span {
    let mut found = Span::default();
    header(file, |header| found = of(header));
    found
}

/// Changes the entry `index` of the functions.
fn entry(file: &mut [u8], index: usize, change: impl FnOnce(&mut Function)) {
    let span = span(file, |header| header.functions);
    let at = description(file) + span.start as usize + index * Function::SIZE;
    let words: Vec<_> = file[at..][..Function::SIZE]
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| u32::from_le_bytes(*word))
        .collect();
    let mut function = Function::from_words(words.try_into().unwrap());
    change(&mut function);
    file[at..][..Function::SIZE].copy_from_slice(&bytes(&function.to_words()));
}

/// Puts a word at an offset of a table.
fn poke(file: &mut [u8], of: impl FnOnce(&Header) -> Span, offset: usize, word: u32) {
    let at = description(file) + span(file, of).start as usize + offset;
    file[at..][..4].copy_from_slice(&word.to_le_bytes());
}

/// The file offset and the field at `field` of the program header `index`.
fn segment(file: &mut [u8], index: usize, field: usize) -> &mut [u8] {
    &mut file[64 + 56 * index + field..][..4]
}

/// The file offset of an offset from the payload's base in the segment `index`.
fn in_segment(file: &mut [u8], index: usize, place: u32) -> usize {
    let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
    let (offset, start) = (
        number(segment(file, index, 8)),
        number(segment(file, index, 16)),
    );
    (offset + place - start) as usize
}

type Change = fn(&mut Vec<u8>);

/// By rule: how the good payload is broken.
const BROKEN: [(&str, Change); 22] = [
    ("payload-truncated", |file| {
        let at = description(file);
        file.truncate(at + 20);
    }),
    ("payload-header", |file| file[18] = 62),
    ("payload-segment", |file| segment(file, 1, 16)[0] = 4),
    ("payload-writable-text", |file| segment(file, 0, 4)[0] = 7),
    ("payload-description", |file| {
        let at = description(file);
        file[at + 8] = 9;
    }),
    ("payload-flags", |file| {
        header(file, |header| header.flags = 2)
    }),
    ("payload-nothing", |file| {
        header(file, |header| {
            (header.functions.len, header.words.len, header.hooks) = (0, 0, [u32::MAX; 6]);
        });
    }),
    ("payload-table", |file| {
        header(file, |header| header.relocations.start += 1)
    }),
    ("payload-name", |file| {
        header(file, |header| header.name.len = 0)
    }),
    ("payload-function", |file| {
        entry(file, 0, |function| function.new += 2)
    }),
    ("payload-too-short", |file| {
        entry(file, 0, |function| function.old_size = 0)
    }),
    ("payload-words", |file| {
        entry(file, 0, |function| function.word_count = 0)
    }),
    ("payload-relocation", |file| {
        poke(file, |header| header.relocations, 4, 263)
    }),
    ("payload-expectation", |file| {
        poke(file, |header| header.expectations, 0, 2)
    }),
    ("payload-record", |file| {
        let start = span(file, |header| header.alternatives).start;
        let at = in_segment(file, 1, start);
        file[at + 10] = 0;
    }),
    ("payload-hook", |file| {
        header(file, |header| header.hooks[0] += 2)
    }),
    ("payload-image", |file| {
        header(file, |header| header.image[0] ^= 1)
    }),
    ("payload-outside-text", |file| {
        entry(file, 1, |function| {
            function.old = function.old.wrapping_add(0x1000)
        })
    }),
    ("payload-landing-pad", |file| {
        entry(file, 0, |function| function.flags = FUNCTION_LANDING_PAD)
    }),
    ("payload-entry-words", |file| {
        poke(file, |header| header.words, 0, RET)
    }),
    ("payload-expected-word", |file| {
        poke(file, |header| header.expectations, 4, NOP)
    }),
    ("payload-site", |file| {
        // The site of the record is in the next segment then.
        let start = span(file, |header| header.alternatives).start;
        let at = in_segment(file, 1, start);
        file[at + 2] = file[at + 2].wrapping_add(1);
    }),
];

fn found(file: &[u8], image: &Image) -> Vec<&'static str> {
    let findings = verify::verify(file, Some(image), None);
    findings.iter().map(|finding| finding.rule).collect()
}

#[test]
fn each_rule_is_broken_alone() {
    let (image, good) = good();
    assert!(
        found(&good, &image).is_empty(),
        "{:?}",
        verify::verify(&good, Some(&image), None)
    );
    for (rule, change) in BROKEN {
        let mut file = good.clone();
        change(&mut file);
        assert_eq!(found(&file, &image), [rule]);
        // Rules about the file need no image.
        let alone = verify::verify(&file, None, None);
        let needs_image = [
            "payload-image",
            "payload-outside-text",
            "payload-landing-pad",
            "payload-entry-words",
            "payload-expected-word",
            "payload-site",
        ];
        assert_eq!(alone.is_empty(), needs_image.contains(&rule), "{rule}");
    }
    let elsewhere = ["payload-parent", "payload-reach"];
    let tested: BTreeSet<_> = BROKEN
        .iter()
        .map(|(rule, _)| *rule)
        .chain(elsewhere)
        .collect();
    let rules: BTreeSet<_> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!((tested, RULES.len()), (rules.clone(), rules.len()));
}

/// The seed of the fuzz target `payload_tool`; `BLESS=1` writes it anew.
#[test]
fn seed_of_the_fuzz_target() {
    let (_, file) = good();
    let path = test_support::workspace().join("linker/fuzz/corpus/payload_tool/good");
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &file).unwrap();
    }
    let seed = std::fs::read(&path).unwrap();
    assert!(seed == file, "{} is old: BLESS=1", path.display());
}

#[test]
fn another_parent_is_found() {
    let (image, first) = good();
    let id = alt_runtime::livepatch::Payload::parse(&first).unwrap().id();
    let with = |parent| {
        let more = More {
            parent,
            ..More::default()
        };
        build(&image, &[function("f", &[RET]).replaces(8, 4)], &more).unwrap()
    };
    let rules = |file: &[u8], parent: &[u8]| {
        let findings = verify::verify(file, Some(&image), Some(parent));
        findings
            .iter()
            .map(|finding| finding.rule)
            .collect::<Vec<_>>()
    };
    assert!(rules(&with(Some(id)), &first).is_empty());
    assert_eq!(rules(&with(Some([9; 20])), &first), ["payload-parent"]);
    assert_eq!(rules(&with(None), b"no payload"), ["payload-parent"]);
}

/// The text of the image is too large, or a place of the payload cannot reach it.
#[test]
fn functions_that_no_payload_reaches_are_found() {
    let far = ("far", TEXT + (200 << 20), vec![0; 16]);
    let near = image(&[RET; 8], &[]);
    let file = build(
        &near,
        &[function("f", &[RET]).replaces(8, 4)],
        &More::default(),
    )
    .unwrap();
    let image = image(&[RET; 8], &[far]);
    assert_eq!(found(&file, &image), ["payload-reach"]);

    // CONDBR19 against the image reaches 1 MiB.
    let (near, mut file) = good();
    let at = in_segment(&mut file, 0, 4);
    file[at..at + 4].copy_from_slice(&0xb400_0000_u32.to_le_bytes());
    poke(&mut file, |header| header.relocations, 4, 280);
    poke(&mut file, |header| header.relocations, 8, 1 << 30);
    assert_eq!(found(&file, &near), ["payload-reach"]);
    assert_eq!(Relocation::new(0, 280, BASE_PAYLOAD, 0).elf_type(), 280);
}

#[test]
fn payloads_are_told_from_images() {
    let (image, file) = good();
    assert!(is_payload(&file) && is_payload(&file[..4096.min(file.len())]));
    assert!(!is_payload(image.data()) && !is_payload(b"") && !is_payload(b"\x7fELF"));
}

/// Of the largest payload, the last byte would be the last one of the address space.
#[test]
fn a_payload_does_not_wrap_around() {
    let (_, file) = good();
    let payload = alt_runtime::livepatch::Payload::parse(&file).unwrap();
    let at = |base| InMemory::new(&file, &payload, base, ANCHOR).map(drop);
    let last = 0xffff_0000_u64 << 32 | 0xfe00_0000;
    assert!(!matches!(at(last), Err(PlaceError::End { .. })));
    let base = u64::MAX - 0xffff;
    assert_eq!(at(base), Err(PlaceError::End { base }));
}
