//! Errors of reading an image.

/// The file is not an image that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// Another kind of file.
    #[error("not an ELF file")]
    NotElf,
    /// LLVM bitcode, which is not machine code.
    #[error("LLVM bitcode, link with -r first")]
    Bitcode,
    /// ELF32.
    #[error("an ELF file of 32 bits; arm64 images have 64")]
    Class,
    /// The data is big-endian.
    #[error("a big-endian ELF file; only little-endian images can be read")]
    BigEndian,
    /// Another architecture.
    #[error("an ELF file for machine {0:#x}; arm64 is 0xb7")]
    Machine(u16),
    /// Not a linked program.
    #[error("an ELF file of type {0}; only linked images (2 or 3) have addresses")]
    Type(u16),
    /// The file is shorter than its headers state.
    #[error("the file is truncated or its headers are damaged: {0}")]
    Truncated(String),
    /// There are no section headers.
    #[error("the file has no sections: `strip` without --strip-section-headers keeps them")]
    NoSections,
    /// All text is in another file.
    #[error(
        "the text is not in this file: {section} has addresses and no bytes, as in a split debug \
         file (`objcopy --only-keep-debug`); give the image from which it was made"
    )]
    NoTextBytes {
        /// The name of the first executable section.
        section: String,
    },
    /// A section is not inside the file.
    #[error("section {section} ({offset:#x} + {size:#x} bytes) is past the end of the file")]
    PastEnd {
        /// Its name.
        section: String,
        /// Its offset in the file.
        offset: u64,
        /// Its size in bytes.
        size: u64,
    },
    /// A section extends beyond the address space, or into its last page.
    #[error(
        "section {section} at {address:#x} does not fit into the address space, whose last page \
         cannot be part of an image"
    )]
    Wraps {
        /// Its name.
        section: String,
        /// Its address.
        address: u64,
    },
    /// The name of a symbol or section is too long. Its length in bytes.
    #[error("a symbol or section has a name of {0} bytes: the table of strings is damaged")]
    Name(usize),
    /// The names of symbols and sections together are this many times as long as the file.
    #[error(
        "the names of symbols and sections are more than {0} times as long as the file: a table of \
         them is damaged"
    )]
    Names(usize),
    /// Two sections overlap in memory or in the file; one of the two may be the headers.
    #[error("sections {first} and {second} overlap at {at:#x}")]
    Overlap {
        /// The name of the first one.
        first: String,
        /// The name of the other.
        second: String,
        /// The address, or the offset in the file, at which the other begins.
        at: u64,
    },
    /// Relocations of a relocatable object in a form that is not read: without addends, or with
    /// a symbol table of their own.
    #[error(
        "the relocations of {section} are in a form that `alt` does not read; arm64 compilers write \
         SHT_RELA"
    )]
    RelocationForm {
        /// The section that they are for.
        section: String,
    },
    /// A relocation of a table of records cannot be applied.
    #[error("the relocation of {section}+{offset:#x} cannot be applied: {why}")]
    Relocation {
        /// The table.
        section: String,
        /// The offset in it, in bytes.
        offset: u64,
        /// The type and the reason.
        why: String,
    },
}
