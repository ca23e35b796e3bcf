//! Archives, bitcode, and files that are damaged.

use std::fs;

use alt_linker::branch_range::{self, BranchRangeError, NotChecked, Options, Unchecked};
use alt_object::inputs::{Input, InputError, InputKind};
use test_support::with_crel;

use crate::link::{Link, check, finding, location, succeed};

const CBZ: &str = ".section .text.f, \"ax\"\n.globl f\n.type f, %function\nf: cbz x0, target\n";

#[test]
fn members_of_archives_have_both_names() {
    let Some(link) = Link::new("members_of_archives_have_both_names") else {
        return;
    };
    let source = link.write("a.s", CBZ);
    let out = link.path("libentry.rlib");
    let mut rustc = link.rustc();
    rustc.env("ASM", source).arg(link.path("shim.rs"));
    rustc.args(["--crate-name=entry", "--crate-type=rlib"]);
    succeed(rustc.arg("-o").arg(&out));
    let found = finding(&[&out]);
    let (file, ..) = location(&found);
    assert!(file.starts_with("libentry.rlib("), "{file}");
    assert!(file.ends_with(".o)"), "{file}");
}

#[test]
fn bitcode_is_counted_and_not_checked() {
    let Some(link) = Link::new("bitcode_is_counted_and_not_checked") else {
        return;
    };
    let source = link.write("a.s", CBZ);
    let out = link.path("entry.o");
    let mut rustc = link.rustc();
    rustc.env("ASM", source).arg(link.path("shim.rs"));
    rustc.args(["--crate-type=lib", "--emit=obj", "-Clinker-plugin-lto"]);
    succeed(rustc.arg("-o").arg(&out));
    let other = link.object("other", "nop\n");
    let report = check(&[&out, &other]);
    assert_eq!((report.objects, report.findings.len()), (1, 0));
    let unchecked = NotChecked {
        name: "entry.o".into(),
        what: Unchecked::Bitcode,
    };
    assert_eq!(report.not_checked, [unchecked]);
    let words = "1 object, 0 references of short reach; 1 of LLVM bitcode not checked";
    assert_eq!(report.checked(), words);
}

fn why(path: &std::path::Path) -> String {
    match branch_range::check([path], &Options::default()) {
        Err(BranchRangeError::Object { file, why }) => format!("{file}: {why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_input_is_refused() {
    let Some(link) = Link::new("what_is_no_input_is_refused") else {
        return;
    };
    let text = link.write("text", "SECTIONS {}");
    for path in [text, link.path("missing")] {
        let error = branch_range::check([path], &Options::default()).unwrap_err();
        assert!(
            matches!(
                error,
                BranchRangeError::Input(InputError::Unknown(_) | InputError::Read { .. })
            ),
            "{error}"
        );
    }
}

/// Offsets in the header of an ELF file, and in a section's.
const SHOFF: usize = 0x28;
const HEADER: usize = 0x40;

/// The header of the first section of a type: its place in the file.
fn sections(bytes: &[u8], kind: u32) -> usize {
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let table = word(SHOFF);
    let count = usize::from(bytes[0x3c]);
    let headers = (0..count).map(|index| table + index * HEADER);
    let is_kind = |at: &usize| bytes[at + 4..at + 8] == kind.to_le_bytes();
    headers.into_iter().find(is_kind).unwrap()
}

#[test]
fn damaged_objects_are_refused() {
    let Some(link) = Link::new("damaged_objects_are_refused") else {
        return;
    };
    let object = link.object("a", CBZ);
    let good = fs::read(&object).unwrap();
    // SHT_RELA.
    let header = sections(&good, 4);
    let word = |at: usize| u64::from_le_bytes(good[at..at + 8].try_into().unwrap()) as usize;
    let row = word(header + 0x18);
    let damage = |at: usize, new: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        fs::write(&object, bytes).unwrap();
        why(&object)
    };
    let outside = damage(row, &0x1000u64.to_le_bytes());
    assert_eq!(
        outside,
        "a.o: a relocation at 0x1000 is outside its section .text.f"
    );
    let last = damage(row, &u64::MAX.to_le_bytes());
    assert!(last.contains("outside its section"), "{last}");
    let symbol = damage(row + 12, &1000u32.to_le_bytes());
    assert_eq!(
        symbol,
        "a.o: a relocation names symbol 1000, which does not exist"
    );
    let table = damage(header + 0x28, &0u32.to_le_bytes());
    assert!(table.contains("symbol table of their own"), "{table}");
    // The next section becomes relocations of the same section, as many as the file is long.
    let mut rows = good[header..header + HEADER].to_vec();
    rows[0x18..0x20].fill(0);
    let all = good.len() / 24 * 24;
    rows[0x20..0x28].copy_from_slice(&(all as u64).to_le_bytes());
    let many = damage(header + HEADER, &rows);
    assert_eq!(many, "a.o: relocations take more room than the file has");
    let end = damage(header + 0x20, &u64::MAX.to_le_bytes());
    assert!(end.starts_with("a.o: "), "{end}");
}

/// `--crel` of LLVM's assembler.
#[test]
fn compact_relocations_are_read() {
    let Some(link) = Link::new("compact_relocations_are_read") else {
        return;
    };
    let object = link.object("a", CBZ);
    let plain = finding(&[&object]);
    let compact = with_crel(&fs::read(&object).unwrap());
    fs::write(&object, &compact).unwrap();
    assert_eq!(finding(&[&object]), plain);
    // More rows than there are bytes.
    let header = sections(&compact, 0x4000_0014);
    let word = |at: usize| u64::from_le_bytes(compact[at..at + 8].try_into().unwrap()) as usize;
    let mut bytes = compact.clone();
    bytes[word(header + 0x18)..][..2].copy_from_slice(&[0xfc, 0x7f]);
    fs::write(&object, bytes).unwrap();
    assert!(why(&object).contains("CREL"), "{}", why(&object));
}

/// Any byte of a file may be wrong, and the file may end anywhere.
#[test]
fn damage_is_never_a_panic() {
    let Some(link) = Link::new("damage_is_never_a_panic") else {
        return;
    };
    let text = format!("{CBZ}.section .text.g, \"axG\", %progbits, g, comdat\ng: adr x0, f\n");
    let object = link.object("a", &text);
    let good = fs::read(&object).unwrap();
    let check = |bytes: &[u8]| {
        let input = Input {
            name: "a.o".into(),
            kind: InputKind::Elf,
            bytes: bytes.into(),
        };
        branch_range::check_inputs(&[input], &Options::default()).is_ok()
    };
    assert!(check(&good));
    let mut refused = 0;
    for at in 0..good.len() {
        for new in [0, 0xff, good[at] ^ 1, good[at] ^ 0x80] {
            let mut bytes = good.clone();
            bytes[at] = new;
            refused += usize::from(!check(&bytes));
        }
        refused += usize::from(!check(&good[..at]));
    }
    assert!(refused > good.len() / 2, "{refused} of {}", good.len());
}
