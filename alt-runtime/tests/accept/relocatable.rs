//! Functions and records of an object file, before the link.
//!
//! Reads the layout that `docs/records.md` states, by its own means.

use object::read::elf::ElfFile64;
use object::{
    Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget, SectionIndex,
    SymbolKind, SymbolSection, elf,
};

/// An object file; each function has a section of its own.
pub struct Relocatable<'a>(ElfFile64<'a>);

/// The code of one function.
#[derive(Debug, PartialEq)]
pub struct Code {
    pub words: Vec<u32>,
    /// Offset, target and addend of what the linker will fill in.
    pub relocations: Vec<(u64, String, i64)>,
}

/// A record and the site that it names.
#[derive(Debug)]
pub struct Record {
    pub function: String,
    /// Of the site, from the start of the function.
    pub offset: u64,
    /// As in the record.
    pub condition: u16,
    pub kind: Kind,
}

#[derive(Debug)]
pub enum Kind {
    Branch {
        displacement: i16,
    },
    Alternative {
        site_len: usize,
        replacement: Vec<u32>,
    },
    Callback {
        site_len: usize,
        symbol: String,
    },
    Nops {
        site_len: usize,
    },
}

impl<'a> Relocatable<'a> {
    pub fn parse(file: &'a [u8]) -> Self {
        Self(ElfFile64::parse(file).unwrap())
    }

    /// Names of all sections.
    /// What the linker will fill in of a section: offset, type, and where that leads, as the name
    /// of a section and the offset in it.
    pub fn references(&self, section: &str) -> Vec<(u64, elf::RelocationType, String, u64)> {
        let section = self.0.section_by_name(section).expect(section);
        let references = section.relocations().map(|(offset, relocation)| {
            let RelocationTarget::Symbol(index) = relocation.target() else {
                panic!()
            };
            let symbol = self.0.symbol_by_index(index).unwrap();
            let target = symbol.section_index().unwrap();
            let target = self.0.section_by_index(target).unwrap();
            let RelocationFlags::Elf { r_type } = relocation.flags() else {
                panic!()
            };
            (
                offset,
                r_type,
                target.name().unwrap().to_owned(),
                symbol.address().wrapping_add_signed(relocation.addend()),
            )
        });
        references.collect()
    }

    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.0.sections().map(|section| section.name().unwrap())
    }

    /// Bytes in all sections of this name.
    pub fn bytes_of(&self, name: &str) -> u64 {
        let sections = self.0.sections();
        let sections = sections.filter(|section| section.name() == Ok(name));
        sections.map(|section| section.size()).sum()
    }

    /// Names of the functions.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        let symbols = self
            .0
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text);
        symbols
            .filter(|symbol| symbol.is_definition())
            .map(|symbol| symbol.name().unwrap())
    }

    pub fn code(&self, function: &str) -> Code {
        let symbol = self
            .0
            .symbols()
            .find(|symbol| symbol.name() == Ok(function));
        let symbol = symbol.expect(function);
        // Behind it there may be replacements.
        let size = symbol.size();
        let section = symbol.section_index().unwrap();
        let section = self.0.section_by_index(section).unwrap();
        let mut relocations: Vec<_> = section
            .relocations()
            .filter(|(offset, _)| *offset < size)
            // From a site to its record: changes no byte.
            .filter(|(_, relocation)| {
                let none = RelocationFlags::Elf {
                    r_type: elf::R_AARCH64_NONE,
                };
                relocation.flags() != none
            })
            .map(|(offset, relocation)| {
                let RelocationTarget::Symbol(index) = relocation.target() else {
                    panic!()
                };
                let symbol = self.0.symbol_by_index(index).unwrap();
                let section = symbol
                    .section_index()
                    .map(|i| self.0.section_by_index(i).unwrap());
                let name = match symbol.name().unwrap() {
                    "" => section.unwrap().name().unwrap().to_owned(),
                    name => name.to_owned(),
                };
                (offset, name, relocation.addend())
            })
            .collect();
        relocations.sort();
        Code {
            words: words(&section.data().unwrap()[..size as usize]),
            relocations,
        }
    }

    /// All records, by function and site; of one site in the table's order.
    pub fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        for section in self.0.sections() {
            let data = section.data().unwrap();
            let half = |at: usize| u16::from_le_bytes(data[at..at + 2].try_into().unwrap());
            match section.name().unwrap() {
                "alt_branches" => {
                    assert_eq!(data.len() % 8, 0);
                    for at in (0..data.len()).step_by(8) {
                        let displacement = half(at + 6) as i16;
                        let kind = Kind::Branch { displacement };
                        records.push(self.record(section.index(), at, half(at + 4), kind));
                    }
                }
                "alt_records" => {
                    assert_eq!(data.len() % 12, 0);
                    for at in (0..data.len()).step_by(12) {
                        let condition = half(at + 8);
                        let [site_len, len] = [data[at + 10], data[at + 11]].map(usize::from);
                        if condition >> 15 != 0 {
                            let kind = if len == 0 {
                                assert_eq!(&data[at + 4..at + 8], [0; 4]);
                                Kind::Nops { site_len }
                            } else {
                                assert_eq!(len, site_len);
                                let symbol = self.symbol(section.index(), at + 4);
                                Kind::Callback { site_len, symbol }
                            };
                            records.push(self.record(section.index(), at, condition, kind));
                            continue;
                        }
                        let (from, start) = self.target(section.index(), at + 4);
                        let from = self.0.section_by_index(from).unwrap();
                        // Near the function, or among all others.
                        let name = from.name().unwrap();
                        assert!(
                            name == "alt_replacements" || name.starts_with(".text"),
                            "{name}"
                        );
                        let replacement = words(from.data().unwrap());
                        let start = start as usize / 4;
                        let replacement = replacement[start..start + len].to_vec();
                        let kind = Kind::Alternative {
                            site_len,
                            replacement,
                        };
                        records.push(self.record(section.index(), at, condition, kind));
                    }
                }
                _ => {}
            }
        }
        records.sort_by(|a, b| (&a.function, a.offset).cmp(&(&b.function, b.offset)));
        records
    }

    fn record(&self, section: SectionIndex, at: usize, condition: u16, kind: Kind) -> Record {
        let (text, offset) = self.target(section, at);
        let function = self.0.symbols().find(|symbol| {
            symbol.kind() == SymbolKind::Text && symbol.section() == SymbolSection::Section(text)
        });
        let function = function
            .expect("a site is in a function")
            .name()
            .unwrap()
            .to_owned();
        Record {
            function,
            offset,
            condition,
            kind,
        }
    }

    /// What the self-relative field at `at` will refer to.
    fn target(&self, section: SectionIndex, at: usize) -> (SectionIndex, u64) {
        let (symbol, addend) = self.reference(section, at);
        let offset = symbol.address().wrapping_add_signed(addend);
        (symbol.section_index().unwrap(), offset)
    }

    /// The name of the symbol that the field at `at` will refer to.
    fn symbol(&self, section: SectionIndex, at: usize) -> String {
        let (symbol, addend) = self.reference(section, at);
        assert_eq!(addend, 0);
        symbol.name().unwrap().to_owned()
    }

    fn reference(&self, section: SectionIndex, at: usize) -> (impl ObjectSymbol<'_>, i64) {
        let section = self.0.section_by_index(section).unwrap();
        let mut relocations = section.relocations();
        let (_, relocation) = relocations
            .find(|(offset, _)| *offset == at as u64)
            .unwrap();
        let RelocationTarget::Symbol(index) = relocation.target() else {
            panic!()
        };
        (self.0.symbol_by_index(index).unwrap(), relocation.addend())
    }
}

fn words(data: &[u8]) -> Vec<u32> {
    data.chunks_exact(4)
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
        .collect()
}
