//! The parts of a payload before they have places.

/// The kind of a part, which decides its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// Instructions.
    Function,
    /// Branch records.
    Branches,
    /// Records of alternatives.
    Alternatives,
    /// Replacements of records.
    Replacements,
    /// Data that is only read.
    Constant,
    /// A static that is written.
    Data,
    /// A log string, which is not loaded.
    LogString,
}

/// A function, a datum, or the records of a function.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its kind.
    pub kind: PartKind,
    /// The name for a person.
    pub label: String,
    /// The mangled name, for debuggers; empty for parts without a name.
    pub symbol: String,
    /// The bytes before relocation; missing ones up to `size` are 0.
    pub bytes: Vec<u8>,
    /// Its size in bytes.
    pub size: u64,
    /// Its alignment in bytes.
    pub align: u64,
    /// The places to relocate, by offset.
    pub references: Vec<Reference>,
    /// The records of a function.
    pub records: Vec<usize>,
    /// The function of the image that this one replaces.
    pub replaces: Option<Replaced>,
}

/// A function of the image that is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Its address.
    pub address: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Calls in progress may finish in it.
    pub may_be_running: bool,
}

/// A place of a part that refers to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The offset of the place, in bytes.
    pub offset: u64,
    /// `R_AARCH64_…`.
    pub kind: u32,
    /// Its references.
    pub target: Target,
    /// The offset from the start of the target, in bytes.
    pub addend: i64,
}

/// The target of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Another part, by number.
    Part(usize),
    /// An address of the image, as linked.
    Image(u64),
}

impl Part {
    /// The little-endian word at an offset.
    pub fn word(&self, offset: u64) -> Option<u32> {
        let start = usize::try_from(offset).ok()?;
        let bytes = self.bytes.get(start..)?.first_chunk::<4>()?;
        Some(u32::from_le_bytes(*bytes))
    }
}
