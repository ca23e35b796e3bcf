//! The layouts of types.

use gimli::{UnitOffset, constants as dw};

use super::Debug;
use super::entry::{Entry, Source, number, signed, type_of};
use super::type_names::TypeNames;
use crate::model::layout::{Layout, Member};

/// Collects layouts while the entries of a unit are walked.
pub(super) struct Layouts<'a, 'b, 'c> {
    source: Source<'a, 'b>,
    names: &'c TypeNames<'a, 'b>,
    /// The types that contain the entry, by depth.
    types: Vec<(isize, UnitOffset, Layout)>,
    /// The variants of enums that contain the entry, by depth.
    variants: Vec<(isize, String)>,
}

impl<'a, 'b, 'c> Layouts<'a, 'b, 'c> {
    pub fn new(source: Source<'a, 'b>, names: &'c TypeNames<'a, 'b>) -> Self {
        Self {
            source,
            names,
            types: Vec::new(),
            variants: Vec::new(),
        }
    }

    /// Adds the types that end before an entry of this depth.
    pub fn leave(&mut self, depth: isize, debug: &mut Debug) {
        while let Some((_, offset, mut layout)) = self.types.pop_if(|(of, ..)| *of >= depth) {
            if let Some(name) = self.names.get(offset) {
                layout.members.sort();
                debug.types.entry(name.clone()).or_default().insert(layout);
            }
        }
        while self.variants.pop_if(|(of, _)| *of >= depth).is_some() {}
    }

    /// Reads an entry that is a type, a variant, or a member of one.
    pub fn enter(&mut self, entry: &Entry<'a>) {
        let depth = entry.depth();
        match entry.tag() {
            dw::DW_TAG_structure_type | dw::DW_TAG_union_type | dw::DW_TAG_enumeration_type => {
                let layout = Layout {
                    size: number(entry, dw::DW_AT_byte_size).unwrap_or_default(),
                    align: number(entry, dw::DW_AT_alignment).unwrap_or_default(),
                    members: Vec::new(),
                };
                self.types.push((depth, entry.offset(), layout));
            }
            dw::DW_TAG_variant => {
                let value = signed(entry, dw::DW_AT_discr_value);
                let name = value.map_or_else(|| "default".to_owned(), |value| value.to_string());
                self.variants.push((depth, name));
            }
            dw::DW_TAG_member | dw::DW_TAG_enumerator => self.member(entry),
            _ => {}
        }
    }

    fn member(&mut self, entry: &Entry<'a>) {
        let Some((of, _, layout)) = self.types.last_mut() else {
            return;
        };
        // Variants of an enum are members of their own, whose name is that of a type.
        let variant = self.variants.last().filter(|(at, _)| at > of);
        let name = self.source.name(entry);
        let name = name.unwrap_or_else(|| "(discriminant)".to_owned());
        layout.members.push(Member {
            variant: variant.map(|(_, value)| value.clone()),
            offset: number(entry, dw::DW_AT_data_member_location).unwrap_or_default(),
            value: signed(entry, dw::DW_AT_const_value),
            // The type of a vtable is an array of its length, which the rule for vtables judges.
            type_name: match &*name {
                "vtable" => name.clone(),
                _ => type_of(entry)
                    .map(|of| self.names.name(of))
                    .unwrap_or_default(),
            },
            name,
        });
    }
}
