//! What is in a payload.

use alt_livepatch::payload::{LogString, PartKind, Target};
use alt_runtime::livepatch::Payload;
use alt_runtime::livepatch::format::{
    BASE_IMAGE, BASE_PAYLOAD, FUNCTION_LANDING_PAD, Function, HookKind, NONE, PAYLOAD_HAS_STATE,
    Relocation, SEGMENT_ALIGN,
};
use alt_runtime::record::{AlternativeRecord, BranchRecord};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _};

use crate::small::*;

fn word(payload: &Payload<'_>, place: u32) -> u32 {
    let bytes = payload.bytes_at(place).unwrap();
    u32::from_le_bytes(*bytes.first_chunk().unwrap())
}

fn relocations(payload: &Payload<'_>) -> Vec<(u32, u16, u32, i64)> {
    let list = payload.relocations();
    list.map(|r: Relocation| (r.place, r.elf_type(), r.base(), r.target()))
        .collect()
}

/// References in the payload are final where they do not depend on its address; the others are
/// relocations, against the image's build id or the payload's base.
#[test]
fn references_become_words_or_relocations() {
    let image = image(&[RET; 8], &[]);
    let code = [BL, BL, 0x9000_0000, 0x9100_0000, 0xb940_0001, RET];
    let parts = [
        function("f", &code)
            .replaces(8, 8)
            .refers(0, CALL26, Target::Image(TEXT + 4), 0)
            .refers(4, CALL26, Target::Part(1), 0)
            .refers(8, ADRP, Target::Part(2), 8)
            .refers(12, ADD_LO12, Target::Part(2), 8)
            .refers(16, LDR32_LO12, Target::Image(TEXT), 12),
        function("g", &[RET]),
        part(PartKind::Constant, "table", &[0; 16])
            .refers(0, ABS64, Target::Part(1), 0)
            .refers(8, ABS64, Target::Image(TEXT), -4),
    ];
    let file = build(&image, &parts, &More::default()).unwrap();
    let payload = Payload::parse(&file).unwrap();
    let functions: Vec<Function> = payload.functions().collect();
    let [f] = functions[..] else { panic!() };
    assert_eq!(f.old as i32 as i64, (TEXT + 8) as i64 - ANCHOR as i64);
    assert_eq!((f.old_size, f.new, f.new_size, f.flags), (8, 0, 24, 0));
    assert_eq!(payload.text(f.name, f.name_len), "f");
    assert_eq!(payload.words(&f).collect::<Vec<_>>(), [RET]);
    // The function that replaces nothing follows, for backtraces.
    let symbols: Vec<_> = payload.symbols().collect();
    assert_eq!(
        (symbols.len(), symbols[0].start, symbols[0].size),
        (1, 24, 4)
    );

    // BL from 4 to 24: 20 bytes are 5 instructions (Arm ARM C6.2.35).
    assert_eq!(word(&payload, 4), BL | 5);
    // The constant is at the start of the next segment: one ADRP page is 4 KiB.
    let table = SEGMENT_ALIGN;
    let pages = table / 4096;
    assert_eq!(
        word(&payload, 8),
        0x9000_0000 | (pages & 3) << 29 | (pages >> 2) << 5
    );
    assert_eq!(word(&payload, 12), 0x9100_0000 | 8 << 10);
    let from_anchor = |address: u64| address as i64 - ANCHOR as i64;
    assert_eq!(
        relocations(&payload),
        [
            (0, 283, BASE_IMAGE, from_anchor(TEXT + 4)),
            (16, 285, BASE_IMAGE, from_anchor(TEXT + 12)),
            (table, 257, BASE_PAYLOAD, 24),
            (table + 8, 257, BASE_IMAGE, from_anchor(TEXT - 4)),
        ]
    );
    assert_eq!(payload.header().flags, 0);
    assert_eq!((payload.image()[0], payload.parent()), (1, payload.image()));
}

/// Statics: contents first, then zeros that the file does not have.
#[test]
fn statics_have_a_segment_of_their_own() {
    let image = image(&[RET; 8], &[]);
    let mut zero = part(PartKind::Data, "zero", &[]);
    (zero.size, zero.align) = (100, 64);
    let parts = [
        zero,
        part(PartKind::Data, "set", &[1, 2, 3, 4]),
        function("f", &[0x9000_0000, 0x9000_0000, RET])
            .replaces(0, 4)
            .refers(0, ADRP, Target::Part(0), 0)
            .refers(4, ADRP, Target::Part(1), 0),
    ];
    let file = build(&image, &parts, &More::default()).unwrap();
    let payload = Payload::parse(&file).unwrap();
    assert_eq!(payload.header().flags, PAYLOAD_HAS_STATE);
    let elf = object::File::parse(&*file).unwrap();
    let data = elf.section_by_name(".data").unwrap();
    assert_eq!(
        (data.address(), data.data().unwrap()),
        (0x2_0000, &[1, 2, 3, 4][..])
    );
    let symbol = |name: &str| {
        let found = elf
            .symbols()
            .find(|symbol| symbol.name() == Ok(name))
            .unwrap();
        (found.address(), found.size())
    };
    assert_eq!(symbol("_set"), (0x2_0000, 4));
    assert_eq!(symbol("_zero"), (0x2_0040, 100));
    assert_eq!(symbol("_f"), (0, 12));
}

/// Records are sorted by site, those of one site stay in order, and they name sites and
/// replacements of the payload.
#[test]
fn records_are_sorted_by_site() {
    let image = image(&[RET; 8], &[]);
    let branch = |cap: u8| [0, 0, 0, 0, cap, 0, 2, 0];
    let record = |cap: u8| [0, 0, 0, 0, 0, 0, 0, 0, cap, 0, 1, 1];
    let site = |part: usize, offset: i64| (Target::Part(part), offset);
    let mut records = part(
        PartKind::Alternatives,
        "f",
        &[record(7), record(6), record(5)].concat(),
    );
    for (index, (target, addend)) in [site(2, 4), site(2, 4), site(2, 0)].into_iter().enumerate() {
        let at = index as u64 * 12;
        records = records.refers(at, PREL32, target, addend);
        records = records.refers(at + 4, PREL32, Target::Part(1), 4 * index as i64);
    }
    let branches = part(PartKind::Branches, "f", &[branch(2), branch(1)].concat())
        .refers(0, PREL32, Target::Part(2), 12)
        .refers(8, PREL32, Target::Part(2), 8);
    let mut f = function("f", &[NOP, NOP, NOP, NOP, RET]).replaces(0, 4);
    f.records = vec![0, 1, 3];
    let replacements = [0xd503_203f, BL, 0xd503_209f];
    let parts = [
        records,
        part(PartKind::Replacements, "f", &bytes(&replacements)).refers(
            4,
            CALL26,
            Target::Image(TEXT),
            0,
        ),
        f,
        branches,
    ];
    let file = build(&image, &parts, &More::default()).unwrap();
    let payload = Payload::parse(&file).unwrap();
    let header = payload.header();
    assert_eq!(
        (header.replacements.start, header.replacements.len),
        (20, 12)
    );
    assert_eq!((header.branches.len, header.alternatives.len), (2, 3));

    let at = |index: u32| header.branches.start + 8 * index;
    let branches: Vec<_> = (0..2)
        .map(|index| {
            let bytes = payload.bytes_at(at(index)).unwrap();
            let record = BranchRecord::from_le_bytes(*bytes.first_chunk().unwrap());
            (
                record.site_address(at(index).into()),
                record.condition.cap(),
            )
        })
        .collect();
    assert_eq!(branches, [(8, 1), (12, 2)]);
    let at = |index: u32| header.alternatives.start + 12 * index;
    let records: Vec<_> = (0..3)
        .map(|index| {
            let bytes = payload.bytes_at(at(index)).unwrap();
            let record = AlternativeRecord::from_le_bytes(*bytes.first_chunk().unwrap());
            let address = u64::from(at(index));
            let replacement = record.replacement_address(address + 4 - 4);
            (
                record.site_address(address),
                record.condition.cap(),
                replacement,
            )
        })
        .collect();
    assert_eq!(records, [(0, 5, 28), (4, 7, 20), (4, 6, 24)]);
    // A call in a replacement is relocated where it is; the patcher moves it to its site.
    let relocations = relocations(&payload);
    assert_eq!(
        relocations,
        [(24, 283, BASE_IMAGE, TEXT as i64 - ANCHOR as i64)]
    );
}

/// The branch is after the pad, and both functions begin with it.
#[test]
fn a_landing_pad_stays() {
    for pad in [BTI_C, PACIASP] {
        let image = image(&[pad, NOP, RET, RET], &[]);
        let parts = [function("f", &[pad, RET]).replaces(0, 12)];
        let file = build(&image, &parts, &More::default()).unwrap();
        let payload = Payload::parse(&file).unwrap();
        let f = payload.functions().next().unwrap();
        assert_eq!(f.flags, FUNCTION_LANDING_PAD);
        assert_eq!(payload.words(&f).collect::<Vec<_>>(), [NOP]);
    }
}

/// A site covers the entry: all words that the patcher may have left there.
#[test]
fn all_words_of_a_site_are_expected() {
    // `alternative!` over two words at TEXT, with two arms of one and of two words.
    let (records, replacements) = (TEXT + 0x2000, TEXT + 0x3000);
    let record = |index: u64, cap: u8, len: u8| {
        let at = records + 12 * index;
        let mut bytes = ((TEXT as i64 - at as i64) as i32).to_le_bytes().to_vec();
        let from = replacements + 4 * index;
        bytes.extend(((from as i64 - (at + 4) as i64) as i32).to_le_bytes());
        bytes.extend([cap, 0, 2, len]);
        bytes
    };
    // The last one is a BL to TEXT + 12, from the place of the replacement.
    let back = ((12 - 0x3008_i32) / 4) as u32 & 0x3ff_ffff;
    let arms = [0xd503_203f, 0xd503_205f, BL | back];
    let sections = [
        (
            "alt_records",
            records,
            [record(0, 1, 1), record(1, 2, 2)].concat(),
        ),
        ("alt_replacements", replacements, bytes(&arms)),
    ];
    let image = image(&[0xd503_209f, NOP, RET, RET], &sections);
    let parts = [function("f", &[RET]).replaces(0, 12)];
    let file = build(&image, &parts, &More::default()).unwrap();
    let payload = Payload::parse(&file).unwrap();
    let words = |file: &[u8]| {
        let payload = Payload::parse(file).unwrap();
        let f = payload.functions().next().unwrap();
        payload.words(&f).collect::<Vec<_>>()
    };
    assert_eq!(words(&file), [0xd503_209f, arms[0], arms[1]]);
    assert_eq!(payload.header().words.len, 3);
    // The entry at the second word of the site: its default, which is padding too, and the BL,
    // aimed from there.
    let parts = [function("f", &[RET]).replaces(4, 8)];
    let file = build(&image, &parts, &More::default()).unwrap();
    assert_eq!(words(&file), [NOP, BL | 2]);
}

#[test]
fn hooks_expectations_parent_and_log_strings() {
    let image = image(&[RET; 8], &[]);
    let parts = [
        function("hook", &[NOP, RET]),
        function("f", &[NOP, RET]).replaces(4, 4),
    ];
    let symbol = r#"{"package":"p","data":"hello \"x\"","disambiguator":"2"}"#;
    let more = More {
        name: Some("fix é"),
        hooks: &[(HookKind::PostApply, 0), (HookKind::Unload, 0)],
        expectations: &[(TEXT + 12, RET), (TEXT, RET)],
        log_strings: &[LogString {
            symbol: symbol.into(),
            index: 9,
        }],
        parent: Some([7; 20]),
    };
    let file = build(&image, &parts, &more).unwrap();
    let payload = Payload::parse(&file).unwrap();
    assert_eq!((payload.name(), payload.parent()), ("fix é", [7; 20]));
    // f is first, since it replaces a function of the image.
    assert_eq!(payload.header().hooks, [NONE, NONE, 8, NONE, NONE, 8]);
    let places: Vec<_> = payload
        .expectations()
        .map(|e| (e.place as i32, e.word))
        .collect();
    assert_eq!(places, [(12 - 0x1000, RET), (-0x1000, RET)]);
    let elf = object::File::parse(&*file).unwrap();
    let section = elf.section_by_name(".defmt").unwrap();
    let string = elf
        .symbols()
        .find(|s| s.section_index() == Some(section.index()))
        .unwrap();
    assert_eq!((string.name(), string.address()), (Ok(symbol), 9));
    assert_eq!(section.address(), 9);
}

/// The id is a digest, of all bytes but itself, and the order of the parts does not matter.
#[test]
fn the_same_parts_are_the_same_bytes() {
    let image = image(&[RET; 8], &[]);
    let call = |label: &str, callee: usize| {
        function(label, &[BL, RET]).refers(0, CALL26, Target::Part(callee), 0)
    };
    let (a, b) = (call("a", 2).replaces(0, 4), call("b", 3).replaces(8, 4));
    let (c, d) = (function("c", &[RET]), function("d", &[NOP, RET]));
    let one = build(&image, &[a, b, c, d], &More::default()).unwrap();
    let (a, b) = (call("a", 1).replaces(0, 4), call("b", 0).replaces(8, 4));
    let (c, d) = (function("c", &[RET]), function("d", &[NOP, RET]));
    let other = build(&image, &[d, c, b, a], &More::default()).unwrap();
    assert!(one == other);
    let id = |file: &[u8]| Payload::parse(file).unwrap().id();
    let more = More {
        name: Some("other"),
        ..More::default()
    };
    let renamed = build(&image, &[function("c", &[RET]).replaces(0, 4)], &more).unwrap();
    assert_ne!(id(&one), id(&renamed));
    use sha2::{Digest, Sha256};
    let at = one
        .windows(20)
        .position(|window| window == id(&one))
        .unwrap();
    let mut without = one.clone();
    without[at..at + 20].fill(0);
    assert_eq!(Sha256::digest(&without)[..20], id(&one));
}
