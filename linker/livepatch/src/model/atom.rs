//! The unit of comparison: a function, a datum or a constant.

/// The number of an [`Atom`] in its [`Model`](super::Model).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AtomId(pub(super) usize);

/// The kind of an atom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Instructions.
    Function,
    /// Read-only data without a name that lasts: a string, a promoted constant, a vtable, a jump
    /// table, a panic location. Its contents identify it, and a payload carries a copy.
    Constant,
    /// A read-only static.
    ReadOnly,
    /// A static that can be written: it has one place, in the image.
    Writable,
    /// A section that is linked to a function (`SHF_LINK_ORDER`): records and replacements of its
    /// alternatives.
    Record,
}

impl Kind {
    /// Whether it is data with a name.
    pub const fn is_static(self) -> bool {
        matches!(self, Self::ReadOnly | Self::Writable)
    }
}

/// A function, a datum or a constant: a section of an object, or the part of one that a symbol or
/// the linker's merging delimits.
#[derive(Clone, Debug)]
pub struct Atom {
    /// Its kind.
    pub kind: Kind,
    /// Its symbols, by offset, and global ones first.
    pub names: Vec<Name>,
    /// The number of the input that has it.
    pub input: usize,
    /// Its section in that input.
    pub section: String,
    /// The section of the image that it is in; empty for merged strings and constants.
    pub output: String,
    /// Its bytes before relocation; empty if it is zero at the start of the kernel (`SHT_NOBITS`).
    pub bytes: Vec<u8>,
    /// Its size in bytes.
    pub size: u64,
    /// Its alignment in bytes.
    pub align: u64,
    /// Its references, by offset.
    pub references: Vec<Reference>,
    /// The records of a function's alternatives, with their replacements, in the order of the object.
    pub records: Vec<AtomId>,
    /// Its address in the image; `None` for merged strings and constants.
    pub address: Option<u64>,
    /// It goes to a section that its author named, not to one that the compiler named after it.
    pub placed_by_name: bool,
}

/// A symbol of an atom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name, mangled.
    pub name: String,
    /// The offset in the atom, in bytes.
    pub offset: u64,
    /// Whether only its own object can refer to it.
    pub local: bool,
}

/// A reference from an atom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The offset of the relocated place in the atom, in bytes.
    pub offset: u64,
    /// `R_AARCH64_…` (ELF for the Arm 64-bit Architecture, "Relocation types").
    pub kind: u32,
    /// Its references.
    pub target: Target,
    /// The offset from the start of the target, in bytes.
    pub addend: i64,
    /// The assembler resolved it, because both ends are in one section: there is no relocation, and
    /// the field of the instruction has been cleared in [`Atom::bytes`].
    pub resolved: bool,
}

/// The target of a reference.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// An atom.
    Atom(AtomId),
    /// A symbol that the linker or its script defines.
    Linker(String),
    /// A symbol that is not in the image: an undefined weak one, or a section that was dropped.
    Absent(String),
}

impl Atom {
    /// The symbol at its start, mangled; the name of the section if there is none.
    pub fn name(&self) -> &str {
        match self.names.first() {
            Some(first) => &first.name,
            None => &self.section,
        }
    }

    /// The little-endian word at an offset; `None` outside, and 0 in memory that is zero.
    pub fn word(&self, offset: usize) -> Option<u32> {
        if self.bytes.is_empty() && offset as u64 + 4 <= self.size {
            return Some(0);
        }
        let bytes = self.bytes.get(offset..offset.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    /// Whether it is zero at the start of the kernel.
    pub fn is_zero(&self) -> bool {
        self.references.is_empty() && self.bytes.iter().all(|byte| *byte == 0)
    }
}
