use super::*;
use test_support::TinyElf;

const TEXT: u64 = TinyElf::TEXT;

const TABLE: u64 = 0x4030_0000;

#[test]
fn branch_records() {
    let bytes = [
        // site -0x1000, cap 5, unlikely, 4 words ahead
        [0x00, 0xf0, 0xff, 0xff, 0x05, 0x00, 0x04, 0x00],
        // site -0xff8 of its own address, cap 300, likely, not, 2 words back
        [0x00, 0xf0, 0xff, 0xff, 0x2c, 0xc1, 0xfe, 0xff],
    ]
    .concat();
    let records = parse_table(BRANCHES, TABLE, &bytes, 8, branch).unwrap();
    let condition = |cap, negated| Condition {
        cap,
        negated,
        and_next: false,
    };
    let expected = [
        Record {
            site: 0x402f_f000,
            condition: condition(5, false),
            kind: SiteKind::Branch {
                target: 0x402f_f010,
                likely: false,
            },
        },
        Record {
            site: 0x402f_f008,
            condition: condition(300, true),
            kind: SiteKind::Branch {
                target: 0x402f_f000,
                likely: true,
            },
        },
    ];
    assert_eq!(records, expected);
    assert_eq!(records[0].range(), 0x402f_f000..0x402f_f004);
}

#[test]
fn alternative_records() {
    let bytes = [
        0x00, 0x00, 0xf0, 0xff, // site -0x10_0000
        0xfc, 0x0f, 0x00, 0x00, // replacement 0xffc after this field
        0x07, 0x20, // cap 7, and the next
        0x03, 0x02,
    ];
    let records = parse_table(ALTERNATIVES, TABLE, &bytes, 12, alternative).unwrap();
    let expected = Record {
        site: 0x4020_0000,
        condition: Condition {
            cap: 7,
            negated: false,
            and_next: true,
        },
        kind: SiteKind::Alternative {
            replacement: 0x4030_1000,
            site_len: 3,
            replacement_len: 2,
        },
    };
    assert_eq!(records, [expected]);
    assert_eq!(expected.range(), 0x4020_0000..0x4020_000c);
}

#[test]
fn tables_are_found_in_an_image() {
    let (_directory, path) = TinyElf::new(&[])
        .section(BRANCHES, TEXT + 0x1000, &[0, 0xf0, 0xff, 0xff, 5, 0, 4, 0])
        .write();
    let records = read(&Image::open(&path).unwrap()).unwrap();
    assert_eq!(
        records.iter().map(|record| record.site).collect::<Vec<_>>(),
        [TEXT]
    );
}

#[test]
fn site_outside_the_text_is_an_error() {
    // Directly after .text; and a site without instructions.
    for (name, bytes) in [
        (BRANCHES, &[0x00, 0xf3, 0xff, 0xff, 5, 0, 4, 0][..]),
        (
            ALTERNATIVES,
            &[0x00, 0xf0, 0xff, 0xff, 0, 0, 0, 0, 5, 0, 0, 0],
        ),
    ] {
        let (_directory, path) = TinyElf::new(&[])
            .section(name, TEXT + 0x1000, bytes)
            .write();
        let result = read(&Image::open(&path).unwrap());
        assert!(matches!(result, Err(Error::Record { section, index: 0, .. }) if section == name));
    }
}

#[test]
fn first_arm_that_holds_wins() {
    let record = |cap, negated, and_next, replacement| Record {
        site: TEXT,
        condition: Condition {
            cap,
            negated,
            and_next,
        },
        kind: SiteKind::Alternative {
            replacement,
            site_len: 1,
            replacement_len: 1,
        },
    };
    // `1 & !2 => a, 3 => b`
    let (a, b) = (0x1000, 0x2000);
    let sites = sites(&[
        record(1, false, true, a),
        record(2, true, false, a),
        record(3, false, false, b),
    ]);
    assert_eq!(sites.len(), 1);
    let winner = |caps: &[u16]| {
        let winner = sites[0].winner(&caps.iter().copied().collect());
        winner.map(|record| match record.kind {
            SiteKind::Alternative { replacement, .. } => replacement,
            other => unreachable!("{other:?}"),
        })
    };
    assert_eq!(winner(&[]), None);
    assert_eq!(winner(&[1]), Some(a));
    assert_eq!(winner(&[1, 2]), None);
    assert_eq!(winner(&[1, 3]), Some(a));
    assert_eq!(winner(&[1, 2, 3]), Some(b));
}

#[test]
fn computed_records() {
    let bytes = [
        // site -0x1000, callback 0x100 on, cap 1 and bit 15, 5 instructions
        [0x00, 0xf0, 0xff, 0xff, 0x00, 0x01, 0, 0, 0x01, 0x80, 5, 5],
        // site -0x1000, cap 2 and bit 15, 3 instructions, none stored
        [0x00, 0xf0, 0xff, 0xff, 0, 0, 0, 0, 0x02, 0x80, 3, 0],
    ]
    .concat();
    let records = parse_table(ALTERNATIVES, TABLE, &bytes, 12, alternative).unwrap();
    let kinds: Vec<_> = records.iter().map(|record| record.kind).collect();
    let callback = SiteKind::Callback {
        callback: TABLE + 4 + 0x100,
        site_len: 5,
    };
    assert_eq!(kinds, [callback, SiteKind::Nops { site_len: 3 }]);
    assert_eq!((records[0].len(), records[1].len()), (5, 3));
}

#[test]
fn half_a_record_is_an_error() {
    let result = parse_table(BRANCHES, TABLE, &[0; 12], 8, branch);
    assert!(matches!(
        result,
        Err(Error::Record {
            section: BRANCHES,
            index: 1,
            ..
        })
    ));
}
