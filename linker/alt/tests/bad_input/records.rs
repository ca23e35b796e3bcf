//! Images that are sound files, with tables or text that are not.

use alt_image::image::Image;
use alt_image::names::CapNames;
use alt_image::patching::{Answers, ExpectError, Expectation, HostError, Problem};
use alt_image::records::{Format, Kind, Records, RecordsError};
use alt_runtime::cap::CapSet;

use crate::elf::{self, ALLOC, EXEC, Elf, NOBITS, Section, TEXT};
use crate::{patched, records_error};

#[test]
fn no_table() {
    let text = || Section::new(".text", ALLOC | EXEC, TEXT, vec![0; 8]);
    assert_eq!(
        records_error(Elf::new(vec![text()]).bytes()),
        RecordsError::None(true)
    );
    let mut elf = Elf::new(vec![text()]);
    elf.symbol("main", 2, 1, TEXT, 8);
    assert_eq!(records_error(elf.bytes()), RecordsError::None(false));
}

#[test]
fn tables_of_both_formats() {
    let mut elf = elf::image();
    let table = elf::linux().section(".altinstructions").clone();
    elf.sections.push(table);
    assert_eq!(records_error(elf.bytes()), RecordsError::BothFormats);
}

/// Not "clean", as a table without records would be.
#[test]
fn table_of_the_other_format() {
    for (elf, other) in [(elf::image(), Format::Linux), (elf::linux(), Format::Alt)] {
        let image = Image::parse(elf.bytes()).unwrap();
        let error = Records::find(&image, Some(other)).unwrap_err();
        assert!(matches!(error, RecordsError::Absent(_)), "{error}");
    }
}

/// Without symbols, the sections say where the tables are.
#[test]
fn stripped_image_is_read() {
    for mut elf in [elf::image(), elf::linux()] {
        let with = patched(elf.bytes()).unwrap().changes.len();
        elf.symbols.clear();
        elf.sections.retain(|section| section.name != ".rela.text");
        let without = patched(elf.bytes()).unwrap();
        // Linux's callback for NOPs is known by its symbol alone.
        let nops = usize::from(elf.sections.len() == 2);
        assert_eq!(without.changes.len(), with - nops);
        assert_eq!(without.left.len(), 1 + nops);
    }
}

/// Callbacks of Linux before 6.1 and of Xen: the number of cpucaps in place of one, no bit 15.
#[test]
fn callbacks_without_cpucap() {
    let old = |number: u8| {
        let mut elf = elf::linux();
        let rows = &mut elf.section(".altinstructions").bytes;
        // The NOPs of the second record are code here; the third is the callback.
        rows[12 + 4..12 + 12].copy_from_slice(&{
            let from = 0xffff_8000_8002_0010_u64;
            let code = 0xffff_8000_8001_0020_u64.wrapping_sub(from) as u32;
            let [a, b, c, d] = code.to_le_bytes();
            [a, b, c, d, 6, 0, 4, 4]
        });
        rows[24 + 8..24 + 12].copy_from_slice(&[number, 0, 8, 0]);
        Image::parse(elf.bytes()).unwrap()
    };
    let image = old(62);
    let records = Records::find(&image, None).unwrap();
    let callback = records.list().iter().find(|record| record.term.always);
    let kind = callback.map(|record| record.kind);
    let address = 0xffff_8000_8001_002c;
    assert_eq!(kind, Some(Kind::Callback { address, len: None }));
    // The table of cpucaps has no number 62, and no cpucap is present: the callback applies.
    let table = CapNames::new((0..62).map(|n| format!("CAP_{n}"))).table();
    let apply = |caps| Expectation::new(&image, &records, table, caps, &Answers::none()).unwrap();
    let none = apply(&CapSet::EMPTY);
    assert_eq!((none.applied, none.left.len()), (0, 1));
    let all = apply(&CapSet::ALL);
    assert_eq!((all.applied, all.left.len()), (2, 1));
    // A number below another's is a cpucap: then the length is a mistake.
    let image = old(5);
    let records = Records::find(&image, None).unwrap();
    assert!(!records.list().iter().any(|record| record.term.always));
}

/// In a stripped image of Linux, the callback of nearly all records is the one that writes NOPs.
#[test]
fn callback_for_nops_without_symbols() {
    let image = |nops: u64, others: u64| {
        let (text, table) = (0xffff_8000_8001_0000_u64, 0xffff_8000_8002_0000_u64);
        let count = nops + others;
        let mut rows = Vec::new();
        for (index, at) in (0..count).zip((table..).step_by(12)) {
            let callback = text + 4 * count + if index < nops { 0 } else { 4 };
            rows.extend((text + 4 * index).wrapping_sub(at).to_le_bytes()[..4].to_vec());
            rows.extend(callback.wrapping_sub(at + 4).to_le_bytes()[..4].to_vec());
            rows.extend([7, 0x80, 4, 0]);
        }
        let code = vec![0xd65f_03c0_u32.to_le_bytes(); count as usize + 2].concat();
        let elf = Elf::new(vec![
            Section::new(".text", ALLOC | EXEC, text, code),
            Section::new(".altinstructions", ALLOC, table, rows),
        ]);
        Records::find(&Image::parse(elf.bytes()).unwrap(), None).unwrap()
    };
    let records = image(90, 10);
    let inferred = records.inferred_nops.unwrap();
    assert_eq!((inferred.records, inferred.callbacks), (90, 100));
    let nops = records
        .list()
        .iter()
        .filter(|record| record.kind == Kind::Nops);
    assert_eq!(nops.count(), 90);
    // Too few, and no clear majority.
    for (nops, others) in [(63, 0), (90, 11)] {
        assert_eq!(image(nops, others).inferred_nops, None);
    }
}

#[test]
fn missing_bound_of_a_table() {
    for name in ["__start_alt_records", "__stop_alt_records"] {
        let mut elf = elf::image();
        elf.symbols.retain(|symbol| symbol.0 != name);
        assert_eq!(patched(elf.bytes()).unwrap().records, 4, "{name}");
    }
}

/// The image with bounds of a table that its symbols make up.
fn bounds(name: &str, start: u64, stop: u64) -> Vec<u8> {
    let mut elf = elf::image();
    for symbol in &mut elf.symbols {
        if symbol.0 == format!("__start_{name}") {
            symbol.3 = start;
        } else if symbol.0 == format!("__stop_{name}") {
            symbol.3 = stop;
        }
    }
    elf.bytes()
}

#[test]
fn bounds_that_make_no_sense() {
    let start = TEXT + 0x1010;
    assert_eq!(
        records_error(bounds("alt_records", start, start + 35)),
        RecordsError::Size {
            table: "alt_records",
            size: 35,
            element: 12
        }
    );
    assert_eq!(
        records_error(bounds("alt_records", start + 2, start + 26)),
        RecordsError::Misaligned {
            table: "alt_records",
            start: start + 2
        }
    );
    // Into the next section; into nothing; nearly all addresses.
    let most = (u64::MAX - 3 - 0x1000) / 12 * 12;
    for (start, stop) in [
        (start, start + 48),
        (TEXT + 0x8000, TEXT + 0x800c),
        (0x1000, 0x1000 + most),
    ] {
        assert_eq!(
            records_error(bounds("alt_records", start, stop)),
            RecordsError::NotInFile {
                table: "alt_records",
                start,
                end: stop
            }
        );
    }
}

/// Sizes that symbols make up are not believed: no memory is asked for, and no sum overflows.
#[test]
fn tables_of_any_size() {
    for name in ["alt_callbacks", "alt_replacements", "alt_plan"] {
        for end in [24 << 56, u64::MAX] {
            let error = RecordsError::NotInFile {
                table: name,
                start: 0,
                end,
            };
            assert_eq!(records_error(bounds(name, 0, end)), error);
        }
    }
}

#[test]
fn table_without_bytes() {
    let mut elf = elf::image();
    let table = elf.section("alt_records");
    (table.kind, table.size) = (NOBITS, Some(36));
    table.bytes.clear();
    let error = records_error(elf.bytes());
    let start = TEXT + 0x1010;
    assert_eq!(
        error,
        RecordsError::NotInFile {
            table: "alt_records",
            start,
            end: start + 36
        }
    );
}

#[test]
fn text_that_is_none() {
    let mut elf = elf::image();
    elf.section(".text").flags = ALLOC;
    assert_eq!(
        patched(elf.bytes()).unwrap_err(),
        ExpectError::Host(HostError::NoText)
    );

    let mut elf = elf::image();
    elf.section(".text").bytes.clear();
    assert_eq!(
        patched(elf.bytes()).unwrap_err(),
        ExpectError::Host(HostError::NoText)
    );

    let mut elf = elf::image();
    elf.section(".text").address = TEXT + 2;
    assert_eq!(
        patched(elf.bytes()).unwrap_err(),
        ExpectError::Host(HostError::MisalignedText(TEXT + 2))
    );
}

/// Executable sections of any size that have no bytes: no memory is asked for.
#[test]
fn text_of_any_size() {
    for size in [(256 << 20) + 4, 1 << 60] {
        let mut elf = elf::image();
        elf.sections.push(Section {
            kind: NOBITS,
            size: Some(size),
            ..Section::new(".bss.text", ALLOC | EXEC, TEXT + 0x10_0000, Vec::new())
        });
        assert_eq!(
            patched(elf.bytes()).unwrap_err(),
            ExpectError::Host(HostError::TextTooLarge(0x10_0000 + size))
        );
    }
}

#[test]
fn site_outside_the_text() {
    let mut elf = elf::image();
    // The branch's site: at the largest distance after its record that an s32 can state.
    let at = TEXT + 0x1000;
    elf.section("alt_branches").bytes[..4].copy_from_slice(&i32::MAX.to_le_bytes());
    let site = at + 0x7fff_ffff;
    assert_eq!(
        patched(elf.bytes()).unwrap_err(),
        ExpectError::SiteOutsideText(site)
    );
    // And before address 0, around which the addition wraps.
    let mut elf = elf::image();
    elf.section("alt_branches").bytes[..4].copy_from_slice(&i32::MIN.to_le_bytes());
    let site = at.wrapping_sub(1 << 31);
    assert_eq!(
        patched(elf.bytes()).unwrap_err(),
        ExpectError::SiteOutsideText(site)
    );
}

/// The patcher receives the text as one range; a gap in it may contain data.
#[test]
fn site_that_ends_in_a_gap() {
    let mut elf = elf::image();
    // Words 1 and 2 are a site. Without word 2 it ends in the gap before other text.
    let rest = elf.section(".text").bytes.split_off(8);
    elf.sections.push(Section::new(
        ".text.rest",
        ALLOC | EXEC,
        TEXT + 12,
        rest[4..].to_vec(),
    ));
    assert_eq!(
        patched(elf.bytes()).unwrap_err(),
        ExpectError::SiteOutsideText(TEXT + 4)
    );
}

#[test]
fn records_of_linux_that_make_no_sense() {
    let (table, site) = (0xffff_8000_8002_0000, 0xffff_8000_8001_0000);
    let with = |at: usize, bytes: &[u8]| {
        let mut elf = elf::linux();
        elf.section(".altinstructions").bytes[at..at + bytes.len()].copy_from_slice(bytes);
        patched(elf.bytes()).unwrap_err()
    };
    let problem = |index: u64, problem| {
        ExpectError::Host(HostError::Record {
            at: table + 12 * index,
            site: site + 4 * index,
            problem,
        })
    };
    // A site without instructions; with a replacement that has none either, it is left out.
    assert_eq!(with(10, &[0, 4]), problem(0, Problem::Length(0)));
    assert_eq!(with(10, &[6, 6]), problem(0, Problem::Length(6)));
    assert_eq!(
        with(10, &[8, 4]),
        problem(
            0,
            Problem::LengthsDiffer {
                site: 8,
                replacement: 4
            }
        )
    );
    assert_eq!(
        with(35, &[4]),
        problem(2, Problem::CallbackWithReplacement(4))
    );
    assert_eq!(
        with(8, &[0, 0x20]),
        problem(0, Problem::CapTooLarge(0x2000))
    );
}
