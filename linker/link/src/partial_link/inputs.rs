//! The inputs of a partial link, as the lints of its output need them.

use std::collections::BTreeSet;

use alt_diagnostic::{Diagnostic, Location};
use alt_object::display;
use alt_object::inputs::{Input, InputError, InputKind};
use alt_object::object::{Object, ObjectError, Place, Section};
use object::elf::{SHF_INFO_LINK, SHT_REL, SHT_RELA, SectionFlags, SectionType};

use super::object::{NotUtf8, text};
use super::rules;
use super::write;

/// Names in the inputs. Bitcode has no sections and symbols yet.
#[derive(Debug, Default)]
pub(super) struct Inputs<'a> {
    /// The names of loaded sections.
    pub sections: BTreeSet<&'a str>,
    /// The symbols that an input defines for others.
    pub globals: BTreeSet<&'a str>,
    /// Sections that the object of the namespace will not have, a line each.
    pub left_out: Vec<String>,
    flags: BTreeSet<(&'a str, u64)>,
}

impl<'a> Inputs<'a> {
    /// Reads all inputs; adds to `found` what must not be linked.
    pub fn new(inputs: &'a [Input], found: &mut Vec<Diagnostic>) -> Result<Self, InputError> {
        let mut all = Self::default();
        if let Some(input) = inputs.iter().find(|it| it.kind == InputKind::Gimple) {
            return Err(InputError::Gimple(input.name.clone()));
        }
        for input in inputs.iter().filter(|input| input.kind == InputKind::Elf) {
            let damaged = |why: String| InputError::Damaged {
                name: input.name.clone(),
                why,
            };
            let object = Object::parse(&input.bytes).map_err(|why| damaged(why.0))?;
            relocations(&input.name, &object, found).map_err(|why| damaged(why.0))?;
            about_sections(&input.name, &object)?;
            all.left_out(&input.name, &object);
            all.add(&object).map_err(|why| damaged(why.to_string()))?;
        }
        Ok(all)
    }

    fn add(&mut self, object: &Object<'a>) -> Result<(), NotUtf8> {
        for section in object.sections.iter().filter(|section| section.is_loaded()) {
            let name = text(section.name)?;
            self.sections.insert(name);
            self.flags.insert((name, section.flags.0));
        }
        for symbol in &object.symbols {
            if !symbol.local && symbol.place != Place::Undefined {
                self.globals.insert(text(symbol.name)?);
            }
        }
        Ok(())
    }

    /// Notes sections that are dropped, once for each name.
    fn left_out(&mut self, file: &str, object: &Object<'_>) {
        for section in object.sections.iter().filter(|it| !it.is_loaded()) {
            let name = display::name(section.name);
            let why = if section.name.starts_with(b".zdebug") {
                "compressed in the form of before SHF_COMPRESSED; compile with -gz=zlib".to_owned()
            } else if !is_known(section.kind) {
                format!("of type {:#x}, which `alt` does not know", section.kind.0)
            } else {
                continue;
            };
            let line = format!("section {name} is left out: it is {why}");
            if !self.left_out.iter().any(|known| known.starts_with(&line)) {
                self.left_out.push(format!("{line} ({file})"));
            }
        }
    }

    /// Whether an input has a section of this name with this flag.
    pub fn has(&self, section: &str, flag: SectionFlags) -> bool {
        let mut flags = self.flags.iter();
        flags.any(|(name, flags)| *name == section && SectionFlags(*flags).contains(flag))
    }
}

/// Whether a section of this type can be carried over, or is dropped anyway.
fn is_known(kind: SectionType) -> bool {
    // LLVM's list of functions whose addresses are taken, which `DISCARD` names.
    const ADDRSIG: SectionType = SectionType(0x6fff_4c03);
    write::is_known(kind) || kind == ADDRSIG
}

/// Refuses sections of types that are not known and that are about another section: relocations in
/// another form (SHT_CREL), without which the code would be wrong.
fn about_sections(file: &str, object: &Object<'_>) -> Result<(), InputError> {
    let mut sections = object.sections.iter();
    let about =
        |section: &&Section<'_>| section.flags.contains(SHF_INFO_LINK) && !is_known(section.kind);
    sections.find(about).map_or(Ok(()), |section| {
        Err(InputError::AboutSection {
            name: file.to_owned(),
            section: display::name(section.name),
            kind: section.kind.0,
        })
    })
}

/// Mistakes in relocations that only an input shows: a linker may misread or move them.
fn relocations(
    file: &str,
    object: &Object<'_>,
    found: &mut Vec<Diagnostic>,
) -> Result<(), ObjectError> {
    for (index, rows) in object.sections.iter().enumerate() {
        if rows.kind == SHT_REL {
            let place = Location::Part {
                name: display::name(rows.name),
                file: Some(file.to_owned()),
            };
            let message = format!("section {place}");
            found.push(rules::REL.violation(place, message));
        }
        if rows.kind != SHT_RELA {
            continue;
        }
        let Some(relocations) = object.relocations(index)? else {
            continue;
        };
        let target = object.sections.get(rows.info).filter(|_| rows.info != 0);
        let target = target.ok_or_else(|| {
            ObjectError(format!(
                "relocations for section {}, which does not exist",
                rows.info
            ))
        })?;
        let size = object.uncompressed_size(rows.info)?;
        let mut offsets = relocations.list.iter().map(|relocation| relocation.offset);
        if let Some(offset) = offsets.find(|offset| *offset >= size) {
            let section = display::name(target.name);
            let place = Location::Part {
                name: format!("{section}+{offset:#x}"),
                file: Some(file.to_owned()),
            };
            let message = format!("{place}: {section} has {size:#x} bytes");
            found.push(rules::PAST_END.violation(place, message));
        }
    }
    Ok(())
}
