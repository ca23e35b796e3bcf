//! The layout of a payload, stated once for the loader and for the host tools.
//!
//! A payload is an ELF file: 64-bit, little-endian, EM_AARCH64, ET_DYN, with program headers. The
//! loader reads these segments and no sections; section headers and symbols are for debuggers.
//!
//! | segment | rights | content |
//! |---|---|---|
//! | PT_LOAD | R X | functions, replacements |
//! | PT_LOAD | R   | constants, records, the names of functions |
//! | PT_LOAD | R W | new statics |
//! | [`PT_DESCRIPTION`] | – | the description: a [`Header`] and the tables that it names |
//!
//! Addresses in a payload count from its *base*, address 0 of the file. PT_LOAD segments are in
//! this order, begin on multiples of [`SEGMENT_ALIGN`], and do not overlap; R and R W may be
//! missing. The tool has resolved references between places of the payload that do not depend on
//! the base. [`Relocation`]s state the others.
//!
//! Places in the running image count from its *anchor*: the address of its build id note
//! (`NT_GNU_BUILD_ID`), which may be before or after the place. So the kernel needs no symbol table.
//!
//! The description is little-endian, and aligned to 4 in the file. Offsets in it count from its
//! start. Each table is a multiple of 4 bytes.

/// `p_type` of the segment with the description: in the range of processors, PT_LOPROC to
/// PT_HIPROC.
pub const PT_DESCRIPTION: u32 = 0x7061_6c74;

/// The first bytes of a description.
pub const MAGIC: [u8; 8] = *b"altpatch";

/// The version of this layout.
pub const VERSION: u32 = 1;

/// Segments begin on multiples of the largest page, so that each page size can map them.
pub const SEGMENT_ALIGN: u32 = 0x1_0000;

/// The largest payload, of all segments together, in bytes.
pub const MAX_SPAN: u32 = 0x200_0000;

/// An absent offset.
pub const NONE: u32 = u32::MAX;

/// Bytes of an [`Id`]: a SHA-1, as `--build-id=sha1` makes it.
pub const ID_LEN: usize = 20;

/// The id of an image or of a payload.
pub type Id = [u8; ID_LEN];

/// A part of the description, or of the payload's memory: where it begins, and the number of its
/// entries (of its bytes, for names).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Span {
    /// Offset from the start of the description, or from the payload's base.
    pub start: u32,
    /// Number of entries, or of bytes.
    pub len: u32,
}

/// A type that the description stores as little-endian 32-bit words.
pub trait Entry<const WORDS: usize>: Sized {
    /// Bytes of an entry.
    const SIZE: usize = WORDS * 4;

    /// From the words of the description.
    fn from_words(words: [u32; WORDS]) -> Self;

    /// The words of the description.
    fn to_words(&self) -> [u32; WORDS];
}

/// Defines entries whose fields are 32-bit words, in this order.
macro_rules! entries {
    ($($(#[$doc:meta])* $name:ident: $words:literal { $($(#[$field_doc:meta])* $field:ident,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: u32,)+
        }

        impl Entry<$words> for $name {
            fn from_words([$($field),+]: [u32; $words]) -> Self {
                Self { $($field),+ }
            }

            fn to_words(&self) -> [u32; $words] {
                [$(self.$field),+]
            }
        }
    )+};
}

entries! {
    /// A function of the image and its replacement.
    Function: 9 {
        /// Offset of the old function from the anchor, as an `i32`.
        old,
        /// Bytes of the old function.
        old_size,
        /// Offset of the new function from the payload's base, in the executable segment.
        new,
        /// Bytes of the new function.
        new_size,
        /// Offset of the name from the payload's base, in the read-only segment: UTF-8, demangled.
        name,
        /// Bytes of the name.
        name_len,
        /// Of the bits `FUNCTION_…`.
        flags,
        /// Index, in the table `words`, of the first word that may be at the place of the branch.
        first_word,
        /// Number of these words: 1, or more if a site covers the place.
        word_count,
    }

    /// A word of the image that must have a value before the payload is applied.
    Expectation: 2 {
        /// Offset of the word from the anchor, as an `i32`; a multiple of 4.
        place,
        /// The value.
        word,
    }

    /// A place of the payload that depends on where payload and image are.
    Relocation: 4 {
        /// Offset of the place from the payload's base.
        place,
        /// ELF relocation type (`R_AARCH64_…`) in the low 16 bits; [`BASE_IMAGE`] or
        /// [`BASE_PAYLOAD`] in the high 16 bits.
        kind,
        /// The target as an offset from that base: the low half of an `i64`.
        target_low,
        /// The high half.
        target_high,
    }

    /// A function of the payload that is not a replacement: new functions, for backtraces.
    Symbol: 4 {
        /// Offset from the payload's base.
        start,
        /// Bytes.
        size,
        /// Offset of the name from the payload's base, in the read-only segment.
        name,
        /// Bytes of the name.
        name_len,
    }
}

/// The function begins with a landing pad (`bti c`, `paciasp`), which stays. The branch is the
/// second word.
pub const FUNCTION_LANDING_PAD: u32 = 1;

/// Calls in progress may finish in the old function: it may be on a stack while the payload is
/// applied.
pub const FUNCTION_MAY_BE_RUNNING: u32 = 2;

/// A relocation against the anchor of the image.
pub const BASE_IMAGE: u32 = 0;

/// A relocation against the base of the payload.
pub const BASE_PAYLOAD: u32 = 1;

/// The hooks of a payload, in the order of [`Header::hooks`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum HookKind {
    /// After the payload has been loaded; may refuse.
    Load,
    /// Before it is applied, other CPUs running; may refuse.
    PreApply,
    /// After it has been applied.
    PostApply,
    /// Before it is reverted; may refuse.
    PreRevert,
    /// After it has been reverted.
    PostRevert,
    /// Before it is unloaded.
    Unload,
}

/// Number of [`HookKind`]s.
pub const HOOKS: usize = 6;

/// The start of a description.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Bytes of the description.
    pub size: u32,
    /// Of the bits `PAYLOAD_…`.
    pub flags: u32,
    /// The payload's own id: a digest of the file with these 20 bytes as 0.
    pub id: Id,
    /// The build id of the image that the payload is for.
    pub image: Id,
    /// The id of the payload that must be the last one applied, or `image` for the first.
    pub parent: Id,
    /// The payload's name, in the description: 1 to 127 bytes of UTF-8, printable.
    pub name: Span,
    /// [`Function`]s, by ascending `old`.
    pub functions: Span,
    /// The words that the functions' entries may hold (`u32`).
    pub words: Span,
    /// [`Expectation`]s of the author.
    pub expectations: Span,
    /// [`Relocation`]s, by ascending `place`.
    pub relocations: Span,
    /// [`Symbol`]s, by ascending `start`.
    pub symbols: Span,
    /// `BranchRecord`s in the read-only segment, from the payload's base; `len` counts records.
    pub branches: Span,
    /// `AlternativeRecord`s in the read-only segment.
    pub alternatives: Span,
    /// Replacements of the records, in the executable or read-only segment; `len` counts bytes.
    pub replacements: Span,
    /// Offsets of the hooks from the payload's base, by [`HookKind`]; [`NONE`] for an absent hook.
    pub hooks: [u32; HOOKS],
}

/// The payload has writable data: it cannot be applied again after it has run.
pub const PAYLOAD_HAS_STATE: u32 = 1;

const IDS: usize = 3;
const SPANS: usize = 9;

impl Header {
    /// Bytes of a header.
    pub const SIZE: usize = MAGIC.len() + 3 * 4 + IDS * ID_LEN + (SPANS * 2 + HOOKS) * 4;
    /// Offset of [`id`](Self::id).
    pub const ID_OFFSET: usize = MAGIC.len() + 3 * 4;

    /// Reads a header. `None` if the magic or the version differ.
    pub fn from_bytes(bytes: &[u8; Self::SIZE]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let mut rest = rest;
        if *magic != MAGIC || word(&mut rest)? != VERSION {
            return None;
        }
        let (size, flags) = (word(&mut rest)?, word(&mut rest)?);
        let (id, image, parent) = (take(&mut rest)?, take(&mut rest)?, take(&mut rest)?);
        let mut spans = [Span::default(); SPANS];
        for span in &mut spans {
            span.start = word(&mut rest)?;
            span.len = word(&mut rest)?;
        }
        let mut hooks = [NONE; HOOKS];
        for hook in &mut hooks {
            *hook = word(&mut rest)?;
        }
        let [
            name,
            functions,
            words,
            expectations,
            relocations,
            symbols,
            branches,
            alternatives,
            replacements,
        ] = spans;
        Some(Self {
            size,
            flags,
            id,
            image,
            parent,
            name,
            functions,
            words,
            expectations,
            relocations,
            symbols,
            branches,
            alternatives,
            replacements,
            hooks,
        })
    }

    /// The bytes of this header.
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let spans = [
            self.name,
            self.functions,
            self.words,
            self.expectations,
            self.relocations,
            self.symbols,
            self.branches,
            self.alternatives,
            self.replacements,
        ];
        let mut bytes = [0; Self::SIZE];
        let mut at = 0;
        let mut put = |part: &[u8]| {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        };
        put(&MAGIC);
        for word in [VERSION, self.size, self.flags] {
            put(&word.to_le_bytes());
        }
        for id in [&self.id, &self.image, &self.parent] {
            put(id);
        }
        for word in spans.iter().flat_map(|span| [span.start, span.len]) {
            put(&word.to_le_bytes());
        }
        for word in self.hooks {
            put(&word.to_le_bytes());
        }
        bytes
    }
}

fn word(rest: &mut &[u8]) -> Option<u32> {
    take(rest).map(u32::from_le_bytes)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*first)
}

impl Relocation {
    /// A relocation of the ELF type `kind` at `place`, to `target` from `base`.
    pub const fn new(place: u32, kind: u16, base: u32, target: i64) -> Self {
        Self {
            place,
            kind: kind as u32 | base << 16,
            target_low: target as u32,
            target_high: (target >> 32) as u32,
        }
    }

    /// The ELF relocation type.
    pub const fn elf_type(&self) -> u16 {
        self.kind as u16
    }

    /// [`BASE_IMAGE`] or [`BASE_PAYLOAD`]; another value is an error of the payload.
    pub const fn base(&self) -> u32 {
        self.kind >> 16
    }

    /// The target, from the base.
    pub const fn target(&self) -> i64 {
        (self.target_high as i64) << 32 | self.target_low as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives_its_bytes() {
        let span = |n| Span {
            start: n,
            len: n + 1,
        };
        let header = Header {
            size: 7,
            flags: PAYLOAD_HAS_STATE,
            id: [1; ID_LEN],
            image: [2; ID_LEN],
            parent: [3; ID_LEN],
            name: span(10),
            functions: span(20),
            words: span(30),
            expectations: span(40),
            relocations: span(50),
            symbols: span(60),
            branches: span(70),
            alternatives: span(80),
            replacements: span(90),
            hooks: [1, 2, 3, 4, 5, NONE],
        };
        let bytes = header.to_bytes();
        assert_eq!(Header::from_bytes(&bytes), Some(header));
        assert_eq!(bytes[Header::ID_OFFSET..][..ID_LEN], [1; ID_LEN]);
        let mut other = bytes;
        other[8] = 2;
        assert_eq!(Header::from_bytes(&other), None);
    }

    #[test]
    fn a_relocation_keeps_negative_targets() {
        let relocation = Relocation::new(4, 283, BASE_IMAGE, -8);
        assert_eq!(relocation.target(), -8);
        assert_eq!(Relocation::from_words(relocation.to_words()), relocation);
        assert_eq!(
            (relocation.elf_type(), relocation.base()),
            (283, BASE_IMAGE)
        );
    }
}
