//! An image and parts of a few words.

use alt_image::image::Image;
use alt_livepatch::archive::BuildId;
use alt_livepatch::payload::{
    LogString, Part, PartKind, PayloadBuildError, Reference, Replaced, Specification, Target, write,
};
use alt_runtime::livepatch::format::HookKind;
use test_support::TinyElf;

pub const NOP: u32 = 0xd503_201f;
pub const RET: u32 = 0xd65f_03c0;
pub const BTI_C: u32 = 0xd503_245f;
pub const PACIASP: u32 = 0xd503_233f;
pub const BL: u32 = 0x9400_0000;
/// The text of the image.
pub const TEXT: u64 = TinyElf::TEXT;
/// The build id note of the image, after the text.
pub const ANCHOR: u64 = TEXT + 0x1000;

pub const ABS64: u32 = 257;
pub const PREL32: u32 = 261;
pub const ADRP: u32 = 275;
pub const ADD_LO12: u32 = 277;
pub const LDR32_LO12: u32 = 285;
pub const CALL26: u32 = 283;

/// The bytes of a build id note.
pub fn note() -> Vec<u8> {
    let mut note = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0".to_vec();
    note.extend(1..=20);
    note
}

/// An image with this text and these further sections.
pub fn image(text: &[u32], sections: &[(&'static str, u64, Vec<u8>)]) -> Image {
    let mut elf = TinyElf::new(text).section(".note.gnu.build-id", ANCHOR, &note());
    for (name, address, bytes) in sections {
        elf = elf.section(name, *address, bytes);
    }
    Image::parse(elf.bytes()).unwrap()
}

/// The little-endian bytes of words.
pub fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

pub fn part(kind: PartKind, label: &str, bytes: &[u8]) -> Part {
    Part {
        kind,
        label: label.to_owned(),
        symbol: format!("_{label}"),
        bytes: bytes.to_vec(),
        size: bytes.len() as u64,
        align: 4,
        references: Vec::new(),
        records: Vec::new(),
        replaces: None,
    }
}

pub fn function(label: &str, words: &[u32]) -> Part {
    part(PartKind::Function, label, &bytes(words))
}

impl PartExt for Part {
    fn refers(mut self, offset: u64, kind: u32, target: Target, addend: i64) -> Self {
        self.references.push(Reference {
            offset,
            kind,
            target,
            addend,
        });
        self
    }

    fn replaces(mut self, offset: u64, size: u64) -> Self {
        self.replaces = Some(Replaced {
            address: TEXT + offset,
            size,
            may_be_running: false,
        });
        self
    }
}

pub trait PartExt {
    /// With a reference.
    fn refers(self, offset: u64, kind: u32, target: Target, addend: i64) -> Self;
    /// As the replacement of the function at this offset of the text.
    fn replaces(self, offset: u64, size: u64) -> Self;
}

/// What differs from payload to payload.
#[derive(Default)]
pub struct More<'a> {
    pub name: Option<&'a str>,
    pub hooks: &'a [(HookKind, usize)],
    pub expectations: &'a [(u64, u32)],
    pub log_strings: &'a [LogString],
    pub parent: Option<[u8; 20]>,
}

pub fn build(image: &Image, parts: &[Part], more: &More<'_>) -> Result<Vec<u8>, PayloadBuildError> {
    write(&Specification {
        name: more.name.unwrap_or("test"),
        image,
        build_id: BuildId::of(image).unwrap(),
        parent: more.parent,
        parts,
        hooks: more.hooks,
        expectations: more.expectations,
        log_strings: more.log_strings,
    })
}
