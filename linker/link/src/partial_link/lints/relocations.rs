//! Relocations must be position independent, or fixable at boot.

use std::fmt;

use alt_diagnostic::Diagnostic;
use object::elf::{
    NAMES_R_AARCH64, R_AARCH64_ABS64, R_AARCH64_ADD_ABS_LO12_NC, R_AARCH64_ADR_PREL_LO21,
    R_AARCH64_ADR_PREL_PG_HI21, R_AARCH64_ADR_PREL_PG_HI21_NC, R_AARCH64_CALL26,
    R_AARCH64_CONDBR19, R_AARCH64_JUMP26, R_AARCH64_LD_PREL_LO19, R_AARCH64_LDST8_ABS_LO12_NC,
    R_AARCH64_LDST16_ABS_LO12_NC, R_AARCH64_LDST32_ABS_LO12_NC, R_AARCH64_LDST64_ABS_LO12_NC,
    R_AARCH64_LDST128_ABS_LO12_NC, R_AARCH64_MOVW_PREL_G0, R_AARCH64_MOVW_PREL_G0_NC,
    R_AARCH64_MOVW_PREL_G1, R_AARCH64_MOVW_PREL_G1_NC, R_AARCH64_MOVW_PREL_G2,
    R_AARCH64_MOVW_PREL_G2_NC, R_AARCH64_MOVW_PREL_G3, R_AARCH64_NONE, R_AARCH64_PLT32,
    R_AARCH64_PREL16, R_AARCH64_PREL32, R_AARCH64_PREL64, R_AARCH64_TSTBR14, RelocationType,
};

use super::LintContext;
use crate::partial_link::rules;
use crate::partial_link::script::{TABLES, record_size};

/// How code refers to a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Use {
    /// As the callback of a record.
    Record,
    /// By B, BL or a conditional branch.
    Branch,
    /// Its address is computed.
    Address,
    /// By a load or store relative to its address.
    Access,
    /// By a pointer in data.
    Pointer,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Record => "a record names it as a callback",
            Self::Branch => "it is branched to",
            Self::Address => "its address is taken",
            Self::Access => "it is loaded from or stored to",
            Self::Pointer => "a pointer in data holds its address",
        })
    }
}

/// How a relocation uses its symbol; `None` for one that depends on the address at which the code
/// runs and cannot be fixed.
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
    // The names of the ABI show the groups (AAELF64, 5.7).
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

pub(super) fn kinds(context: &LintContext<'_>, found: &mut Vec<Diagnostic>) {
    for (index, section) in context.object.loaded() {
        let table = TABLES.contains(&section.name);
        for relocation in &section.relocations {
            let refuse = |why: &str| {
                let place = context.place(index, relocation.offset);
                let message = format!("{} at {place}: {why}", name(relocation.kind));
                rules::RELOCATION.violation(place, message)
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
                    let place = context.place(index, relocation.offset);
                    let message = place.to_string();
                    found.push(rules::UNALIGNED_POINTER.violation(place, message));
                }
                Some(_) => {}
            }
        }
    }
}

/// A table of records belongs to one section of text (SHF_LINK_ORDER); the final link sorts the
/// table by it.
pub(super) fn sites(context: &LintContext<'_>, found: &mut Vec<Diagnostic>) {
    for (_, section) in context.object.loaded() {
        let Some(size) = record_size(section.name) else {
            continue;
        };
        let records = section
            .relocations
            .iter()
            .filter(|r| r.offset.is_multiple_of(size));
        let apart = records
            .filter_map(|relocation| context.object.target(relocation))
            .find(|(text, _)| *text != section.link);
        let name = |index: usize| context.object.sections.get(index).map_or("?", |s| s.name);
        if let Some((text, offset)) = apart {
            let place = context.place(text, offset);
            let (apart, others) = (name(text), name(section.link));
            let table = section.name;
            let message = format!("{table}: {place} is in {apart}, others are in {others}");
            found.push(rules::SITES_APART.violation(place, message));
        }
    }
}
