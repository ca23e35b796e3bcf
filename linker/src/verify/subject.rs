//! What rules look at.

use crate::code::Code;
use crate::image::Image;
use crate::names::CapNames;
use crate::records::Records;

/// An image and what has been found out about it once, for all rules.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The image.
    pub image: &'a Image,
    /// Its records.
    pub records: &'a Records,
    /// What its cpucaps are called.
    pub names: &'a CapNames,
    /// The instructions that refer to other places.
    pub code: Code,
}

impl<'a> Subject<'a> {
    /// Decodes the text of the image.
    pub fn new(image: &'a Image, records: &'a Records, names: &'a CapNames) -> Self {
        Self {
            image,
            records,
            names,
            code: Code::new(image),
        }
    }

    /// A place in words, for explanations: `memcpy+0x10`, or the address alone.
    pub fn place(&self, address: u64) -> String {
        match self.image.place(address) {
            Some(place) => format!("{place} ({address:#x})"),
            None => format!("{address:#x}"),
        }
    }
}
