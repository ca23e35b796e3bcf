//! What a linker makes, damaged: by the files that the fuzz targets begin with.

use alt_linker::namespace::Name;
use alt_linker::partial_link::PartialLink;
use alt_object::inputs::{Input, InputKind};

use crate::support::expect;

/// `e_type`, `e_machine` and `e_phnum` (ELF-64 Object File Format, table 1).
const TYPE: usize = 16;
const MACHINE: usize = 18;
const PHNUM: usize = 56;

/// `sh_size` and `sh_addralign` (table 8).
const SIZE: usize = 32;
const ALIGN: usize = 48;

/// Where a field of the header of `.hyp.rodata` is.
fn rodata(object: &[u8], field: usize) -> usize {
    let headers = u64::from_le_bytes(object[40..48].try_into().unwrap());
    headers as usize + 3 * 64 + field
}

/// The object of a hypervisor, when the linker's is changed.
fn finish(change: impl FnOnce(&mut [u8])) -> Result<Vec<u8>, String> {
    link(|_| {}, change)
}

/// The same, when its input is, too.
fn link(given: impl FnOnce(&mut [u8]), made: impl FnOnce(&mut [u8])) -> Result<Vec<u8>, String> {
    let mut input = include_bytes!("../../../fuzz/corpus/hyp_input/good.o").to_vec();
    given(&mut input);
    let mut linked = include_bytes!("../../../fuzz/corpus/hyp_linked/good.o").to_vec();
    made(&mut linked);
    let name = Name::new("hyp").unwrap();
    let manifest = include_str!("../../../fuzz/corpus/manifest/hyp.toml");
    let inputs = [Input {
        name: "hyp.o".into(),
        kind: InputKind::Elf,
        bytes: input,
    }];
    let work =
        PartialLink::new(&name, ("hyp.toml", manifest), &inputs).map_err(|e| e.to_string())?;
    let map = include_str!("../../../fuzz/corpus/hyp_map/good");
    work.finish(&linked, map).map_err(|error| error.to_string())
}

#[test]
fn an_alignment_of_0_is_none() {
    let good = finish(|_| {}).unwrap();
    let same = finish(|object| object[rodata(object, ALIGN)] = 0).unwrap();
    assert_eq!(same, good);
}

#[test]
fn alignments_that_no_linker_gives() {
    // No power of two; one that the section is not on in the file; one of nearly all addresses.
    for align in [3, 1 << 12, 1 << 63] {
        let message = finish(|object| {
            let at = rodata(object, ALIGN);
            object[at..at + 8].copy_from_slice(&u64::to_le_bytes(align));
        });
        expect(&message.unwrap_err(), &["cannot be used", "aligned to"]);
    }
}

#[test]
fn sections_that_share_bytes() {
    let message = finish(|object| {
        let at = rodata(object, SIZE);
        object[at..at + 2].copy_from_slice(&0x800_u16.to_le_bytes());
    });
    expect(&message.unwrap_err(), &["more room than the file has"]);
}

#[test]
fn what_is_no_object() {
    for (at, value, words) in [
        (0, b'B', "the linked object: neither an object file"),
        (TYPE, 2, "the linked object: an ELF file of type 2"),
        (
            MACHINE,
            62,
            "the linked object: an ELF file for machine 0x3e",
        ),
        (PHNUM, 1, "it has program headers"),
    ] {
        let message = finish(|object| object[at] = value).unwrap_err();
        expect(&message, &[words]);
    }
    let bitcode = finish(|object| object[..4].copy_from_slice(b"BC\xc0\xde"));
    expect(&bitcode.unwrap_err(), &["it is bitcode"]);
}

/// What cannot be read of a name must not make it look like another one.
#[test]
fn names_that_are_not_utf8() {
    let damage = |name: &'static [u8]| {
        move |object: &mut [u8]| {
            let found = object.windows(name.len()).position(|part| part == name);
            object[found.unwrap() + name.len() - 2] = 0xff;
        }
    };
    for name in [&b"\0.hyp.rodata\0"[..], b"\0limit\0"] {
        let message = finish(damage(name)).unwrap_err();
        expect(&message, &["cannot be used", "is not UTF-8"]);
    }
    for name in [&b".rodata.limit\0"[..], b"_layout_version\0"] {
        let message = link(damage(name), |_| {}).unwrap_err();
        expect(&message, &["hyp.o: truncated or damaged", "is not UTF-8"]);
    }
}
