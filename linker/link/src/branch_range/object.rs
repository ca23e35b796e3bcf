//! An object of the link, with its references of short range.

use std::collections::HashMap;

use alt_object::inputs::Input;
use alt_object::object::{Object, ObjectError, Place, Relocation, Section};
use alt_runtime::insn::{Class, Insn};
use object::elf::{SHF_EXCLUDE, SHT_CREL, SHT_REL, SHT_RELA, STT_FUNC, STT_NOTYPE, STT_OBJECT};

use super::short::Short;

/// An object of the link.
pub(super) struct LinkedObject<'a> {
    /// Its name in messages.
    pub name: &'a str,
    /// Its sections and symbols.
    pub file: Object<'a>,
    /// The references of short range, in the order of the file.
    pub references: Vec<Reference>,
    /// The symbols that name code, by section and offset.
    functions: Vec<(usize, u64, &'a [u8])>,
}

/// One instruction of short range that names a symbol.
pub(super) struct Reference {
    pub section: usize,
    pub offset: u64,
    pub form: Short,
    pub word: u32,
    pub symbol: usize,
    pub addend: i64,
}

impl<'a> LinkedObject<'a> {
    /// Reads an ELF file of type ET_REL.
    pub(super) fn parse(input: &'a Input) -> Result<Self, ObjectError> {
        let file = Object::parse(&input.bytes)?;
        Ok(Self {
            name: &input.name,
            references: references(&file, input.bytes.len())?,
            functions: functions(&file),
            file,
        })
    }

    /// Whether it is a module of Linux with alternatives.
    pub(super) fn has_linux_table(&self) -> bool {
        let mut sections = self.file.sections.iter();
        sections.any(|section| section.is_loaded() && section.name == b".altinstructions")
    }

    /// The function that an offset in a section belongs to, and the offset in the function.
    pub(super) fn function(&self, section: usize, offset: u64) -> Option<(&'a [u8], u64)> {
        let after = self
            .functions
            .partition_point(|(of, value, _)| (*of, *value) <= (section, offset));
        let (of, value, name) = self.functions.get(after.checked_sub(1)?)?;
        (*of == section).then(|| (*name, offset - value))
    }
}

/// Whether a section comes into the memory of the image, unless the linker drops it.
pub(super) fn is_linked(section: &Section<'_>) -> bool {
    section.is_loaded() && !section.flags.contains(SHF_EXCLUDE)
}

fn references(object: &Object<'_>, file: usize) -> Result<Vec<Reference>, ObjectError> {
    let damaged = |why: String| Err(ObjectError(why));
    // Sections may share bytes, so the sum of their sizes is limited by the size of the file.
    let mut left = file as u64;
    let mut all = Vec::new();
    for (index, rows) in object.sections.iter().enumerate() {
        let Some(target) = object.sections.get(rows.info).filter(|of| is_linked(of)) else {
            continue;
        };
        match rows.kind {
            SHT_RELA | SHT_REL | SHT_CREL => match left.checked_sub(rows.size) {
                Some(rest) => left = rest,
                None => return damaged("relocations take more room than the file has".into()),
            },
            _ => continue,
        }
        let Some(relocations) = object.relocations(index)? else {
            continue;
        };
        let mut short = relocations.list.iter().filter_map(|relocation| {
            let form = Short::of(relocation.kind)?;
            Some((form, relocation))
        });
        let short: Vec<_> = short.by_ref().collect();
        if short.is_empty() {
            continue;
        }
        if !relocations.by_symbol_table {
            return damaged(format!(
                "relocations by a symbol table of their own, {}",
                rows.link
            ));
        }
        let name = String::from_utf8_lossy(target.name);
        let contents = object
            .contents(rows.info)
            .map_err(|why| ObjectError(format!("{name}: {why}")))?;
        for (form, relocation) in short {
            let Some(word) = word(contents, relocation.offset) else {
                return damaged(format!(
                    "a relocation at {:#x} is outside its section {name}",
                    relocation.offset
                ));
            };
            let symbol = relocation.symbol;
            if symbol >= object.symbols.len() {
                return damaged(format!(
                    "a relocation names symbol {symbol}, which does not exist"
                ));
            }
            all.push(Reference {
                section: rows.info,
                offset: relocation.offset,
                form,
                word,
                symbol,
                addend: addend(relocation, word),
            });
        }
    }
    Ok(all)
}

fn word(contents: &[u8], offset: u64) -> Option<u32> {
    let at = usize::try_from(offset).ok()?;
    let bytes = contents.get(at..at.checked_add(4)?)?;
    bytes.try_into().ok().map(u32::from_le_bytes)
}

/// The addend; that of a REL relocation is in the instruction.
fn addend(relocation: &Relocation, word: u32) -> i64 {
    match (relocation.addend, Insn(word).classify()) {
        (Some(addend), _) => addend,
        (None, Class::Relative(relative)) => relative.displacement,
        (None, _) => 0,
    }
}

/// The symbols by which people know a place. Mapping symbols and the labels of the assembler are
/// left out; so are file symbols, which after `ld -r` come before the symbols of other files.
fn functions<'a>(object: &Object<'a>) -> Vec<(usize, u64, &'a [u8])> {
    let mut functions = HashMap::new();
    for symbol in &object.symbols {
        let Place::In(section, offset) = symbol.place else {
            continue;
        };
        if ![STT_FUNC, STT_NOTYPE, STT_OBJECT].contains(&symbol.kind) {
            continue;
        }
        let name = symbol.name;
        if name.is_empty() || name.starts_with(b"$") || name.starts_with(b".L") {
            continue;
        }
        // Of several symbols at one place, a function.
        let is_function = symbol.kind == STT_FUNC;
        match functions.get(&(section, offset)) {
            Some((known, _)) if *known || !is_function => {}
            _ => {
                functions.insert((section, offset), (is_function, name));
            }
        }
    }
    let mut functions: Vec<_> = functions
        .into_iter()
        .map(|((section, offset), (_, name))| (section, offset, name))
        .collect();
    functions.sort_unstable();
    functions
}

#[cfg(test)]
mod tests {
    use object::elf::R_AARCH64_CONDBR19;

    use super::*;

    /// Words of LLVM's assembler.
    #[test]
    fn addend_of_rel_is_in_the_instruction() {
        let rel = Relocation {
            offset: 0,
            kind: R_AARCH64_CONDBR19,
            symbol: 1,
            addend: None,
        };
        let written = |word| addend(&rel, word);
        assert_eq!(written(0xb400_0040), 8); // cbz x0, #8
        assert_eq!(written(0x3607_ffe0), -4); // tbz w0, #0, #-4
        assert_eq!(written(0x1000_0060), 12); // adr x0, #12
        assert_eq!(written(0xd503_201f), 0); // nop
    }
}
