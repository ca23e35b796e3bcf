//! An entry of the debug information, and its attributes.

use gimli::{
    AttributeValue, DebuggingInformationEntry, DwAt, Dwarf, EndianSlice, LittleEndian, Operation,
    Unit, UnitOffset, constants as dw,
};

pub(super) type Slice<'a> = EndianSlice<'a, LittleEndian>;
pub(super) type Entry<'a> = DebuggingInformationEntry<Slice<'a>>;

/// A unit, in which entries refer to each other.
#[derive(Clone, Copy)]
pub(super) struct Source<'a, 'b> {
    pub dwarf: &'b Dwarf<Slice<'a>>,
    pub unit: &'b Unit<Slice<'a>>,
}

impl<'a> Source<'a, '_> {
    pub fn text(&self, value: Option<AttributeValue<Slice<'a>>>) -> Option<String> {
        let text = self.dwarf.attr_string(self.unit, value?).ok()?;
        Some(text.to_string_lossy().into_owned())
    }

    pub fn name(&self, entry: &Entry<'a>) -> Option<String> {
        self.text(entry.attr_value(dw::DW_AT_name))
    }

    pub fn linkage_name(&self, entry: &Entry<'a>) -> Option<String> {
        self.text(entry.attr_value(dw::DW_AT_linkage_name))
    }

    pub fn low_pc(&self, entry: &Entry<'a>) -> Option<u64> {
        let value = entry.attr_value(dw::DW_AT_low_pc)?;
        let address = self.dwarf.attr_address(self.unit, value).ok()??;
        (address != 0).then_some(address)
    }

    /// The entry that has the name: that of the abstract function or of the declaration.
    pub fn origin(&self, entry: &Entry<'a>) -> Entry<'a> {
        let mut found = entry.clone();
        for _ in 0..8 {
            let next = [dw::DW_AT_abstract_origin, dw::DW_AT_specification];
            let next = next
                .into_iter()
                .find_map(|name| match found.attr_value(name)? {
                    AttributeValue::UnitRef(offset) => self.unit.entry(offset).ok(),
                    _ => None,
                });
            match next {
                Some(next) => found = next,
                None => break,
            }
        }
        found
    }

    /// Whether the file of a declaration is in the sources of the toolchain: rustc gives them this
    /// path or, where the component rust-src is installed, that in the sysroot.
    pub fn is_of_toolchain(&self, entry: &Entry<'a>) -> bool {
        let Some(AttributeValue::FileIndex(index)) = entry.attr_value(dw::DW_AT_decl_file) else {
            return false;
        };
        let header = self
            .unit
            .line_program
            .as_ref()
            .map(|program| program.header());
        let file = header.and_then(|header| header.file(index).map(|file| (header, file)));
        let Some((header, file)) = file else {
            return false;
        };
        let folder = self.text(file.directory(header)).unwrap_or_default();
        let name = self.text(Some(file.path_name())).unwrap_or_default();
        let is_of = |path: &str| path.starts_with("/rustc/") || path.contains("/rustlib/src/");
        is_of(&folder) || is_of(&name)
    }

    /// The address of a static.
    pub fn address(&self, entry: &Entry<'a>) -> Option<u64> {
        let AttributeValue::Exprloc(expression) = entry.attr_value(dw::DW_AT_location)? else {
            return None;
        };
        let mut operations = expression.operations(self.unit.encoding());
        match operations.next().ok()?? {
            Operation::Address { address } if address != 0 => Some(address),
            _ => None,
        }
    }
}

/// The entry that gives the type.
pub(super) fn type_of(entry: &Entry<'_>) -> Option<UnitOffset> {
    match entry.attr_value(dw::DW_AT_type)? {
        AttributeValue::UnitRef(offset) => Some(offset),
        _ => None,
    }
}

/// An attribute that is a number, and not negative.
pub(super) fn number(entry: &Entry<'_>, name: DwAt) -> Option<u64> {
    entry.attr_value(name)?.udata_value()
}

/// An attribute that is a number: larger ones than `i64` has are negative.
pub(super) fn signed(entry: &Entry<'_>, name: DwAt) -> Option<i64> {
    let value = entry.attr_value(name)?;
    value
        .sdata_value()
        .or_else(|| value.udata_value().map(|value| value as i64))
}
