//! Payloads whose tables or entries are wrong: each is refused with the table, the entry, and what is
//! wrong.

use alt_runtime::Insn;
use alt_runtime::livepatch::{
    EntryError, Payload, PayloadError, RelocationError, Table, TableError,
};
use test_support::payload::{DATA, HEADER, Payload as Maker, READ_ONLY};

use crate::file::{changed, description, refused, rich, written_to_description};
use crate::kernel::NOP;

#[test]
fn names_of_payloads() {
    for name in ["", "a\nb", "\u{7f}", &"n".repeat(128)] {
        let error = changed(|payload| payload.name = name.into());
        let is_text_error = matches!(
            error,
            PayloadError::Table {
                table: Table::Name,
                error: TableError::NotText,
                ..
            }
        );
        assert!(is_text_error, "{name:?}: {error}");
    }
    let mut file = rich().build();
    let last = file.len() - 1;
    file[last] = 0xff;
    assert!(matches!(
        refused(&file),
        PayloadError::Table {
            table: Table::Name,
            ..
        }
    ));
}

#[test]
fn tables_outside_and_misaligned() {
    let spans = 80;
    for (index, table) in (0..).zip([
        Table::Name,
        Table::Functions,
        Table::Words,
        Table::Expectations,
        Table::Relocations,
        Table::Symbols,
        Table::Branches,
        Table::Alternatives,
        Table::Replacements,
    ]) {
        let at = spans + 8 * index;
        let is = |found: PayloadError, expected: TableError| {
            let is_it = matches!(found, PayloadError::Table { table: it, error, .. }
                if it == table && error == expected);
            assert!(is_it, "{table}: {found}");
        };
        for start in [0_u32, 4, 0xffff_fffc, 0x0100_0000] {
            // Replacements may begin in the text, which is at 0.
            if table != Table::Replacements || start > 4 {
                let error = written_to_description(at, &start.to_le_bytes());
                match table {
                    Table::Name => assert!(matches!(error, PayloadError::Table { .. })),
                    _ => is(error, TableError::Outside),
                }
            }
        }
        let huge = !3_u32;
        let error = written_to_description(at + 4, &huge.to_le_bytes());
        match table {
            Table::Name => is(error, TableError::NotText),
            _ => is(error, TableError::Outside),
        }
        if table != Table::Name {
            let start = if index < 6 { 178_u32 } else { READ_ONLY + 2 };
            let error = written_to_description(at, &start.to_le_bytes());
            is(error, TableError::Misaligned);
        }
    }
    let error = changed(|payload| payload.replacements.1 = 6);
    let error_expected = PayloadError::Table {
        table: Table::Replacements,
        start: 24,
        len: 6,
        error: TableError::Misaligned,
    };
    assert_eq!(error, error_expected);
}

fn entry(table: Table, index: u32, error: EntryError) -> PayloadError {
    PayloadError::Entry {
        table,
        index,
        error,
    }
}

#[test]
fn functions_that_cannot_be_used() {
    use EntryError::{
        Flags, Misaligned, NameNotText, NameOutside, Order, OutsideText, TooShort, Words,
    };
    type Change = fn(&mut Maker);
    let cases: [(u32, Change, EntryError); 13] = [
        (
            0,
            |it| it.functions[0].old += 2,
            Misaligned { value: 0x142 },
        ),
        (
            0,
            |it| it.functions[0].old_size = 6,
            Misaligned { value: 6 },
        ),
        (1, |it| it.functions[1].new = 2, Misaligned { value: 2 }),
        (
            1,
            |it| it.functions[1].new_size = 5,
            Misaligned { value: 5 },
        ),
        (
            1,
            |it| it.functions[0].old_size = 0x44,
            Order { value: 0x180 },
        ),
        (
            1,
            |it| it.functions[1].old = -4,
            Order { value: 0xffff_fffc },
        ),
        (0, |it| it.functions[0].old_size = 0, TooShort { size: 0 }),
        (0, |it| it.functions[0].new_size = 0, TooShort { size: 0 }),
        (
            0,
            |it| {
                it.functions[0].flags = 1;
                it.functions[0].old_size = 4;
            },
            TooShort { size: 4 },
        ),
        (
            0,
            |it| it.functions[0].new_size = 32,
            OutsideText { start: 0, size: 32 },
        ),
        (
            1,
            |it| it.functions[1].new = READ_ONLY,
            OutsideText {
                start: READ_ONLY,
                size: 8,
            },
        ),
        (0, |it| it.functions[0].flags = 4, Flags { found: 4 }),
        (0, |it| it.functions[0].name.clear(), NameNotText),
    ];
    for (index, change, error) in cases {
        assert_eq!(changed(change), entry(Table::Functions, index, error));
    }
    let no_words = changed(|it| it.functions[0].words.clear());
    let (first, count) = (0, 0);
    assert_eq!(no_words, entry(Table::Functions, 0, Words { first, count }));
    // Fields that the maker does not make wrong.
    let functions = HEADER;
    let error = written_to_description(functions + 36 + 28, &[2]);
    let (first, count) = (2, 1);
    assert_eq!(error, entry(Table::Functions, 1, Words { first, count }));
    let error = written_to_description(functions + 16, &[0; 4]);
    let (start, len) = (0, 18);
    assert_eq!(
        error,
        entry(Table::Functions, 0, NameOutside { start, len })
    );
    let error = changed(|it| it.functions[1].name = "a\u{1b}[0m".into());
    assert_eq!(error, entry(Table::Functions, 1, NameNotText));
    // The order is that of signed offsets.
    let mut payload = rich();
    payload.functions[0].old = -0x80;
    assert!(Payload::parse(&payload.build()).is_ok());
}

#[test]
fn other_entries_that_cannot_be_used() {
    use EntryError::{
        EmptySite, Misaligned, NameOutside, Order, OutsideText, PlaceOutside, Relocation,
        TargetOutside, UnknownBase, UnknownRelocation,
    };
    let error = changed(|it| it.expectations[0].0 = 0x102);
    let expected = Misaligned { value: 0x102 };
    assert_eq!(error, entry(Table::Expectations, 0, expected));

    let relocation = |relocation| changed(|it| it.relocations[0] = relocation);
    let is = |error, expected| assert_eq!(error, entry(Table::Relocations, 0, expected));
    for kind in [0, 258, 259, 273, 276, 281, 311, 1027] {
        let found = relocation((DATA, kind, 1, 16));
        is(found, UnknownRelocation { kind });
    }
    is(relocation((DATA, 257, 2, 16)), UnknownBase { found: 2 });
    for target in [-1, i64::MIN, i64::from(DATA) + 65] {
        is(relocation((DATA, 257, 1, target)), TargetOutside { target });
    }
    for place in [DATA + 1, DATA + 8, DATA - 8, 24, 0x1000, u32::MAX] {
        is(relocation((place, 257, 1, 16)), PlaceOutside { place });
    }
    is(relocation((18, 283, 0, 0)), Misaligned { value: 18 });
    let wrong = |kind| {
        let word = Insn(NOP);
        Relocation(RelocationError::WrongInstruction { kind, word })
    };
    for kind in [274, 275, 277, 278, 279, 280, 282, 283, 284, 285, 286, 299] {
        is(relocation((16, kind, 0, 0)), wrong(kind));
    }
    // Twice, overlapping, not sorted.
    for (first, second) in [(DATA, DATA), (DATA, DATA + 4), (DATA + 4, DATA)] {
        let error = changed(|it| {
            it.relocations[0] = (first, 261, 1, 16);
            it.relocations.push((second, 261, 1, 16));
            if second == DATA + 4 {
                it.relocations[0].1 = 257;
            }
        });
        let expected = Order { value: second };
        assert_eq!(error, entry(Table::Relocations, 1, expected));
    }

    let symbol = |change: fn(&mut Maker)| changed(change);
    let is = |error, index, expected| assert_eq!(error, entry(Table::Symbols, index, expected));
    is(
        symbol(|it| it.symbols[0].0 = 18),
        0,
        Misaligned { value: 18 },
    );
    let (start, size) = (16, 16);
    is(
        symbol(|it| it.symbols[0].1 = 16),
        0,
        OutsideText { start, size },
    );
    let twice = symbol(|it| it.symbols.push(it.symbols[0].clone()));
    is(twice, 1, Order { value: 16 });
    let file = rich().build();
    let name = file.len() - "payload-1".len() - description(&file) - 8;
    let (start, len) = (0x00ff_ffff, 11);
    let error = written_to_description(name, &[0xff, 0xff, 0xff, 0]);
    is(error, 0, NameOutside { start, len });

    let error = changed(|it| it.read_only[8 + 10] = 0);
    assert_eq!(error, entry(Table::Alternatives, 0, EmptySite));
}
