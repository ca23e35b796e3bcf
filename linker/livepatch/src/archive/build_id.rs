//! The build id of an image.

use std::fmt;

use alt_image::image::Image;
use alt_runtime::livepatch::format::{ID_LEN, Id};

use super::hex;

/// The build id note of an image, of 20 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildId {
    /// The id.
    pub id: Id,
    /// The address of the note: the anchor of payloads for the image.
    pub anchor: u64,
}

/// The start of a note of type `NT_GNU_BUILD_ID` with 20 bytes: size of the name, size of the id,
/// type, name.
const NOTE: [u8; 16] = *b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0";

impl BuildId {
    /// Finds the note, in whichever section the linker script placed it. `None` if the image has
    /// none, or more than one.
    pub fn of(image: &Image) -> Option<Self> {
        let sections = image.loaded().filter(|section| !section.executable);
        let mut found = sections.flat_map(|section| {
            let bytes = image.contents(section);
            (0..bytes.len()).step_by(4).filter_map(move |at| {
                let id = bytes
                    .get(at..)?
                    .strip_prefix(&NOTE)?
                    .first_chunk::<ID_LEN>()?;
                let anchor = section.range.start + at as u64;
                Some(Self { id: *id, anchor })
            })
        });
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.id))
    }
}
