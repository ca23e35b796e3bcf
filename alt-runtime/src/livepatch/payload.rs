//! A payload as a file: parsed and validated before anything of it is used.

use super::description::{Description, text};
use super::elf::{self, Segments};
use super::format::{
    Expectation, FUNCTION_LANDING_PAD, Function, HOOKS, Header, HookKind, Id, MAGIC, Relocation,
    Symbol,
};
use super::payload_error::PayloadError;

/// A payload whose headers, tables and entries have been checked, as far as that is possible
/// without the image.
///
/// Host tools use it as well, so they accept the same files as a kernel.
#[derive(Clone, Copy, Debug)]
pub struct Payload<'a> {
    pub(super) segments: Segments<'a>,
    pub(super) description: Description<'a>,
    /// Words of all sites: the room that a plan of them needs at most.
    pub(super) site_words: u32,
}

impl<'a> Payload<'a> {
    /// Parses and checks `file`.
    ///
    /// # Errors
    /// What is wrong with the file, and where.
    pub fn parse(file: &'a [u8]) -> Result<Self, PayloadError> {
        let (segments, bytes) = elf::parse(file)?;
        let description = Description::new(bytes, header(bytes)?);
        let mut payload = Self {
            segments,
            description,
            site_words: 0,
        };
        payload.site_words = payload.check()?;
        Ok(payload)
    }

    /// Its id.
    pub fn id(&self) -> Id {
        self.description.header.id
    }

    /// The build id of the image that it is for.
    pub fn image(&self) -> Id {
        self.description.header.image
    }

    /// The id of the payload that must be the last one applied, or of the image.
    pub fn parent(&self) -> Id {
        self.description.header.parent
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        self.description.name()
    }

    /// The header of the description.
    pub fn header(&self) -> &Header {
        &self.description.header
    }

    /// The functions that it replaces.
    pub fn functions(&self) -> impl Iterator<Item = Function> + use<'a> {
        self.description.functions()
    }

    /// The name of a function or symbol: `name` and `name_len` of its entry.
    pub fn text(&self, name: u32, name_len: u32) -> &'a str {
        let read_only = self.segments.read_only;
        read_only
            .and_then(|segment| text(segment.part(name, name_len)?))
            .unwrap_or_default()
    }

    /// The words that the place of the function's branch may hold.
    pub fn words(&self, function: &Function) -> impl Iterator<Item = u32> + use<'a> {
        self.description.words(function)
    }

    /// The words that the image must have.
    pub fn expectations(&self) -> impl Iterator<Item = Expectation> + use<'a> {
        self.description.expectations()
    }

    /// The relocations.
    pub fn relocations(&self) -> impl Iterator<Item = Relocation> + use<'a> {
        self.description.relocations()
    }

    /// The functions that replace nothing.
    pub fn symbols(&self) -> impl Iterator<Item = Symbol> + use<'a> {
        self.description.symbols()
    }

    /// The bytes of the file for the segment at `place`, from there on; offsets count from the payload's
    /// base. `None` if there is no segment, or the file has nothing of it there.
    pub fn bytes_at(&self, place: u32) -> Option<&'a [u8]> {
        self.segments
            .iter()
            .find_map(|segment| {
                segment
                    .bytes
                    .get(place.checked_sub(segment.start)? as usize..)
            })
            .filter(|bytes| !bytes.is_empty())
    }
}

/// Offset of the branch in the old function, and of its target in the new one.
pub(super) const fn branch_offset(function: &Function) -> u32 {
    match function.flags & FUNCTION_LANDING_PAD {
        0 => 0,
        _ => 4,
    }
}

/// Reads the header of a description, whose bytes are at least as many as a header has.
fn header(bytes: &[u8]) -> Result<Header, PayloadError> {
    if !bytes.starts_with(&MAGIC) {
        return Err(PayloadError::Magic);
    }
    let version = bytes
        .get(MAGIC.len()..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |bytes| u32::from_le_bytes(*bytes));
    bytes
        .first_chunk()
        .and_then(Header::from_bytes)
        .ok_or(PayloadError::Version { found: version })
}

/// The kind of the hook with this index.
pub(super) fn hook(index: usize) -> Option<HookKind> {
    use HookKind::{Load, PostApply, PostRevert, PreApply, PreRevert, Unload};
    const KINDS: [HookKind; HOOKS] = [Load, PreApply, PostApply, PreRevert, PostRevert, Unload];
    KINDS.get(index).copied()
}
