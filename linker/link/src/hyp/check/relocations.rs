//! Relocations: only those that are right wherever the image runs, or that can be fixed.

use object::elf::{
    NAMES_R_AARCH64, R_AARCH64_ABS64, R_AARCH64_ADD_ABS_LO12_NC, R_AARCH64_ADR_PREL_LO21,
    R_AARCH64_ADR_PREL_PG_HI21, R_AARCH64_ADR_PREL_PG_HI21_NC, R_AARCH64_CALL26,
    R_AARCH64_CONDBR19, R_AARCH64_JUMP26, R_AARCH64_LD_PREL_LO19, R_AARCH64_LDST8_ABS_LO12_NC,
    R_AARCH64_LDST16_ABS_LO12_NC, R_AARCH64_LDST32_ABS_LO12_NC, R_AARCH64_LDST64_ABS_LO12_NC,
    R_AARCH64_LDST128_ABS_LO12_NC, R_AARCH64_MOVW_PREL_G0, R_AARCH64_MOVW_PREL_G0_NC,
    R_AARCH64_MOVW_PREL_G1, R_AARCH64_MOVW_PREL_G1_NC, R_AARCH64_MOVW_PREL_G2,
    R_AARCH64_MOVW_PREL_G2_NC, R_AARCH64_MOVW_PREL_G3, R_AARCH64_NONE, R_AARCH64_PLT32,
    R_AARCH64_PREL16, R_AARCH64_PREL32, R_AARCH64_PREL64, R_AARCH64_TSTBR14, RelocationType,
    SHT_REL,
};
use object::read::elf::{FileHeader, SectionHeader};
use object::{LittleEndian, elf::FileHeader64};

use super::Subject;
use crate::hyp::refusal::{Refusal, Use};
use crate::hyp::script::{TABLES, record_size};
use alt_object::display;
use alt_object::inputs::{Input, InputError};

/// What a relocation does with its symbol; none for one that says something else at another
/// address, and cannot be fixed.
pub(super) fn used(kind: RelocationType) -> Option<Use> {
    Some(match kind {
        R_AARCH64_ABS64 => Use::Pointer,
        R_AARCH64_PREL64
        | R_AARCH64_PREL32
        | R_AARCH64_PREL16
        | R_AARCH64_ADR_PREL_LO21
        | R_AARCH64_ADR_PREL_PG_HI21
        | R_AARCH64_ADR_PREL_PG_HI21_NC
        | R_AARCH64_ADD_ABS_LO12_NC
        | R_AARCH64_MOVW_PREL_G0
        | R_AARCH64_MOVW_PREL_G0_NC
        | R_AARCH64_MOVW_PREL_G1
        | R_AARCH64_MOVW_PREL_G1_NC
        | R_AARCH64_MOVW_PREL_G2
        | R_AARCH64_MOVW_PREL_G2_NC
        | R_AARCH64_MOVW_PREL_G3 => Use::Address,
        R_AARCH64_LD_PREL_LO19
        | R_AARCH64_LDST8_ABS_LO12_NC
        | R_AARCH64_LDST16_ABS_LO12_NC
        | R_AARCH64_LDST32_ABS_LO12_NC
        | R_AARCH64_LDST64_ABS_LO12_NC
        | R_AARCH64_LDST128_ABS_LO12_NC => Use::Access,
        R_AARCH64_PLT32 | R_AARCH64_TSTBR14 | R_AARCH64_CONDBR19 | R_AARCH64_JUMP26
        | R_AARCH64_CALL26 => Use::Branch,
        _ => return None,
    })
}

fn name(kind: RelocationType) -> String {
    match NAMES_R_AARCH64.name(kind) {
        Some(name) => name.to_owned(),
        None => format!("relocation type {}", kind.0),
    }
}

fn why(name: &str) -> &'static str {
    // By the groups of the ABI's names (AAELF64, 5.7).
    if name.contains("TLS") || name.contains("DTP") {
        "thread-local data belongs to the kernel's threads"
    } else if name.contains("GOT") {
        "it goes through a table of addresses that nobody fixes"
    } else if name.contains("MOVW") {
        "an absolute address in instructions cannot be fixed"
    } else if name.contains("ABS") {
        "a pointer of fewer than 64 bits cannot be fixed"
    } else {
        "it is not known to be right there"
    }
}

pub(super) fn kinds(subject: &Subject<'_>, found: &mut Vec<Refusal>) {
    for (index, section) in subject.object.loaded() {
        let table = TABLES.contains(&section.name);
        for relocation in &section.relocations {
            let refuse = |why| Refusal::Relocation {
                kind: name(relocation.kind),
                site: subject.site(index, relocation.offset),
                why,
            };
            if relocation.kind == R_AARCH64_NONE {
                continue;
            }
            match used(relocation.kind) {
                None => found.push(refuse(why(&name(relocation.kind)))),
                Some(Use::Pointer) if table => {
                    found.push(refuse("the tables of alternatives hold distances only"));
                }
                Some(Use::Pointer) if section.is_code() => {
                    found.push(refuse("text is never written to fix a pointer"));
                }
                Some(Use::Pointer) if !relocation.offset.is_multiple_of(8) => {
                    found.push(Refusal::Unaligned(subject.site(index, relocation.offset)));
                }
                Some(_) => {}
            }
        }
    }
}

/// A table of records is linked to one section of text (SHF_LINK_ORDER); the last link sorts it
/// by that.
pub(super) fn sites(subject: &Subject<'_>, found: &mut Vec<Refusal>) {
    for (_, section) in subject.object.loaded() {
        let Some(size) = record_size(section.name) else {
            continue;
        };
        let records = section
            .relocations
            .iter()
            .filter(|r| r.offset.is_multiple_of(size));
        let apart = records
            .filter_map(|relocation| subject.object.target(relocation))
            .find(|(text, _)| *text != section.link);
        let name = |index: usize| subject.object.sections.get(index).map_or("?", |s| s.name);
        if let Some((text, offset)) = apart {
            found.push(Refusal::SitesApart {
                table: section.name.to_owned(),
                site: subject.site(text, offset),
                found: name(text).to_owned(),
                linked: name(section.link).to_owned(),
            });
        }
    }
}

/// What only an input shows: a linker may take it for something else, or move it elsewhere.
pub(in crate::hyp) fn input(input: &Input, found: &mut Vec<Refusal>) -> Result<(), InputError> {
    let damaged = |why: object::read::Error| InputError::Damaged {
        name: input.name.clone(),
        why: why.to_string(),
    };
    let (endian, data) = (LittleEndian, input.bytes.as_slice());
    let header = FileHeader64::<LittleEndian>::parse(data).map_err(damaged)?;
    let sections = header.sections(endian, data).map_err(damaged)?;
    for section in sections.iter() {
        let section_name = || {
            sections
                .section_name(endian, section)
                .map(display::name)
                .map_err(damaged)
        };
        if section.sh_type(endian) == SHT_REL {
            found.push(Refusal::Rel {
                section: section_name()?,
                file: input.name.clone(),
            });
        }
        let Some((relocations, _)) = section.rela(endian, data).map_err(damaged)? else {
            continue;
        };
        let index = object::SectionIndex(section.sh_info(endian) as usize);
        let target = sections.section(index).map_err(damaged)?;
        let size = target.sh_size(endian);
        let past = relocations
            .iter()
            .map(|r| r.r_offset.get(endian))
            .find(|at| *at >= size);
        if let Some(offset) = past {
            found.push(Refusal::PastEnd {
                section: sections
                    .section_name(endian, target)
                    .map(display::name)
                    .map_err(damaged)?,
                offset,
                size,
                file: input.name.clone(),
            });
        }
    }
    Ok(())
}
