//! Resident code and data do not refer to the init region: proved over the relocations of
//! the linked kernel, in every profile.

use std::collections::BTreeSet;
use std::ops::Range;

use object::read::elf::{ElfFile64, FileHeader};
use object::{
    Endianness, Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget, elf,
};
use qemu_tests::{Image, Profile, guest};

/// Bounds of the init region, which the code that frees it uses.
const BOUNDS: [&str; 5] = [
    "__init_start",
    "__init_end",
    "__init_text_start",
    "__start_alt_plan",
    "__text_start",
];

/// Where the bounds of the six tables are, which only `Image::new` reads: a kernel's `.rodata` takes
/// them.
const TABLE_BOUNDS: (&str, u64) = ("__alt_bounds", 6 * 16);

/// The one way from what stays into the init region: the caller of boot, which
/// never runs again.
const INTO_BOOT: (&str, &str) = ("kernel_demo::boot::main", "kernel_demo::boot::boot");

#[test]
fn nothing_resident_refers_to_the_init_region() {
    if qemu_tests::skip::without_guests("nothing_resident_refers_to_the_init_region") {
        return;
    }
    for profile in Profile::ALL {
        let image = Image::open(&guest::build("kernel-demo", profile).unwrap()).unwrap();
        let init = image.symbol("__init_start").unwrap()..image.symbol("__init_end").unwrap();
        let (looked_at, found) = references(&image, &init);
        assert!(
            looked_at > 1000,
            "{profile:?}: the image has no relocations"
        );
        assert_eq!(found, BTreeSet::new(), "{profile:?}");
    }
}

/// The tables and arms themselves are there, and the code that only boot calls.
#[test]
fn everything_of_the_pass_is_in_the_init_region() {
    if qemu_tests::skip::without_guests("everything_of_the_pass_is_in_the_init_region") {
        return;
    }
    let image = Image::open(&guest::build("kernel-demo", Profile::Release).unwrap()).unwrap();
    let init = image.symbol("__init_start").unwrap()..image.symbol("__init_end").unwrap();
    let names: Vec<_> = image
        .sections()
        .iter()
        .filter(|section| init.contains(&section.range.start) && !section.bytes.is_empty())
        .map(|section| section.name.as_str())
        .collect();
    for bound in ["__alt_fragment_start", "__alt_tables_end"] {
        let address = image.symbol(bound).unwrap();
        assert!(init.contains(&address), "{bound} is at {address:#x}");
    }
    for name in [
        "alt_branches",
        "alt_records",
        "alt_replacements",
        ".init.text",
    ] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    // init-boot.x takes the code of alt-runtime that only boot calls.
    let file = ElfFile64::<Endianness>::parse(image.file()).unwrap();
    let symbols = file.symbols();
    let detected: Vec<_> = symbols
        .filter(|symbol| {
            let name = symbol.name().unwrap_or_default();
            name.contains("11alt_runtime4boot8detected8Detected")
        })
        .map(|symbol| symbol.address())
        .collect();
    assert!(detected.len() >= 4, "{detected:x?}");
    assert!(
        detected.iter().all(|address| init.contains(address)),
        "{detected:x?}"
    );
}

/// Number of relocations looked at, and `who refers to what` for each that leads from
/// outside into `init`.
fn references(image: &Image, init: &Range<u64>) -> (usize, BTreeSet<String>) {
    let file = ElfFile64::<Endianness>::parse(image.file()).unwrap();
    assert_eq!(file.elf_header().e_type(Endianness::Little), elf::ET_EXEC);
    let bounds = image.symbol(TABLE_BOUNDS.0).unwrap();
    let bounds = bounds..bounds + TABLE_BOUNDS.1;
    let (mut looked_at, mut found) = (0, BTreeSet::new());
    for section in file.sections() {
        let resident = section.address() != 0 && !init.contains(&section.address());
        if !resident {
            continue;
        }
        for (place, relocation) in section.relocations() {
            looked_at += 1;
            let RelocationTarget::Symbol(index) = relocation.target() else {
                continue;
            };
            // A site refers to its record by a relocation that changes nothing.
            let r_type = elf::R_AARCH64_NONE;
            if relocation.flags() == (RelocationFlags::Elf { r_type }) {
                continue;
            }
            let symbol = file.symbol_by_index(index).unwrap();
            let target = symbol.address().wrapping_add_signed(relocation.addend());
            if !init.contains(&target) || BOUNDS.contains(&symbol.name().unwrap_or("")) {
                continue;
            }
            let name = |address| {
                image
                    .place(address)
                    .map_or("?".into(), |place| place.symbol)
            };
            let (from, to) = (name(place), name(target));
            if !bounds.contains(&place) && (from.as_str(), to.as_str()) != INTO_BOOT {
                found.insert(format!("{from} refers to {to} ({target:#x})"));
            }
        }
    }
    (looked_at, found)
}
