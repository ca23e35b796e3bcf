//! What the object has when all is well.

use std::collections::BTreeSet;
use std::fs;

use object::elf;
use object::read::elf::ElfFile64;
use object::{Object, ObjectSection};

use crate::support::Bench;

/// For `hypervisor.rs`.
const MANIFEST: &str = "\
exports = [\"vectors\", \"init\"]
[allow]
SHARED = \"data-ro\"
[mapped]
data-ro = [\".shared.rodata\"]
[sections]
\".data.percpu\" = [\".data..percpu\"]
";

#[test]
fn sections_are_those_of_the_namespace() {
    let Some(bench) = Bench::new("sections_are_those_of_the_namespace") else {
        return;
    };
    let library = bench.library(&[]);
    let object = bench.link_as("hyp.nvhe", MANIFEST, &[&library]).unwrap();
    let bytes = fs::read(object).unwrap();
    let file = ElfFile64::<object::LittleEndian>::parse(&*bytes).unwrap();
    assert_eq!(file.kind(), object::ObjectKind::Relocatable);
    let allocated: BTreeSet<_> = file
        .sections()
        .filter(|section| {
            let object::SectionFlags::Elf { sh_flags, .. } = section.flags() else {
                panic!("an ELF file has the flags of one");
            };
            sh_flags.contains(elf::SHF_ALLOC)
        })
        .map(|section| section.name().unwrap())
        .collect();
    let expected = [
        ".hyp.nvhe.bss",
        ".hyp.nvhe.data",
        ".hyp.nvhe.data.percpu",
        ".hyp.nvhe.pointers",
        ".hyp.nvhe.rodata",
        ".hyp.nvhe.text",
    ];
    assert_eq!(allocated, BTreeSet::from(expected));
}
