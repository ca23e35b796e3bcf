//! The dumps, and where the image is in them.

use std::collections::HashSet;
use std::error::Error;
use std::path::PathBuf;

use alt_image::hex;
use alt_image::image::Image;
use alt_image::memory::{Memory, core_file, locate};
use alt_image::records::Records;
use alt_image::rewritten::Rewritten;
use serde::Serialize;

use crate::input::read;

/// The files of a dump.
pub struct Dump {
    files: Vec<(PathBuf, Vec<u8>)>,
}

/// The dump, placed.
pub struct Placed<'a> {
    /// Pieces of memory by link address.
    pub pieces: Vec<Memory<'a>>,
    /// The files whose place was found by their contents.
    pub found: Vec<Found>,
    /// The distance of the running kernel from its link address in bytes (modulo 2⁶⁴).
    pub slide: u64,
}

/// A file whose place was found by its contents.
#[derive(Serialize)]
pub struct Found {
    /// The file.
    pub file: String,
    /// The link address of the first byte of the memory with the text.
    #[serde(serialize_with = "hex::address::serialize")]
    pub base: u64,
}

impl Dump {
    pub fn read(paths: &[PathBuf]) -> Result<Self, Box<dyn Error>> {
        let files = paths.iter().map(|path| Ok((path.clone(), read(path)?)));
        let files = files.collect::<Result<_, Box<dyn Error>>>()?;
        Ok(Self { files })
    }

    /// Places the files at the addresses `bases`, or else by their contents.
    pub fn place(
        &self,
        image: &Image,
        records: &Records,
        bases: &[u64],
    ) -> Result<Placed<'_>, Box<dyn Error>> {
        if !bases.is_empty() && bases.len() != self.files.len() {
            return Err(format!(
                "--dump is given {} times and --base {} times: each dump has its own base",
                self.files.len(),
                bases.len()
            )
            .into());
        }
        let (mut pieces, mut found) = (Vec::new(), Vec::new());
        let mut stable = None;
        for (index, (path, bytes)) in self.files.iter().enumerate() {
            let path = path.display().to_string();
            let segments =
                core_file::segments(bytes).map_err(|error| format!("{path}: {error}"))?;
            match (segments, bases.get(index)) {
                (None, Some(base)) => pieces.push(Memory { base: *base, bytes }),
                (Some(_), Some(_)) => {
                    return Err(format!(
                        "{path} is an ELF core file, which states addresses: leave --base out"
                    )
                    .into());
                }
                (segments, None) => {
                    let whole = core_file::Segment {
                        address: 0,
                        file: 0..bytes.len(),
                    };
                    let segments = segments.unwrap_or_else(|| vec![whole]);
                    let stable = stable.get_or_insert_with(|| Stable::new(image, records));
                    let base = add(image, stable, bytes, &segments, &mut pieces);
                    let Some(base) = base else {
                        return Err(format!("{path}: {}", NOT_FOUND).into());
                    };
                    found.push(Found { file: path, base });
                }
            }
        }
        let slide = locate::slide(image, &pieces).map_or(0, |slide| slide.0);
        Ok(Placed {
            pieces,
            found,
            slide,
        })
    }

    /// The correct base of a file, if it differs from `given`.
    pub fn other_base(&self, image: &Image, records: &Records, given: &[u64]) -> Option<u64> {
        let [(_, bytes)] = &self.files[..] else {
            return None;
        };
        let stable = Stable::new(image, records);
        let base = locate::base(image, bytes, |address| stable.contains(address))?;
        (!given.contains(&base)).then_some(base)
    }
}

const NOT_FOUND: &str = "the text of the image is not in the dump: it is of another build, or of \
    other memory. If only sites are in it, give --base";

/// Adds the segments of a file, and returns the base of the one with the text. The image is as a
/// whole at one distance from its link addresses, so the others follow from it.
fn add<'a>(
    image: &Image,
    stable: &Stable,
    bytes: &'a [u8],
    segments: &[core_file::Segment],
    pieces: &mut Vec<Memory<'a>>,
) -> Option<u64> {
    let part = |segment: &core_file::Segment| bytes.get(segment.file.clone()).unwrap_or_default();
    let with_text = segments.iter().find_map(|segment| {
        let base = locate::base(image, part(segment), |address| stable.contains(address))?;
        Some((base, segment))
    });
    let (base, text) = with_text?;
    pieces.extend(segments.iter().map(|segment| {
        Memory {
            base: base
                .wrapping_add(segment.address)
                .wrapping_sub(text.address),
            bytes: part(segment),
        }
    }));
    Some(base)
}

/// The words of the text that do not change at run time.
struct Stable {
    sites: HashSet<u64>,
    rewritten: Rewritten,
}

impl Stable {
    fn new(image: &Image, records: &Records) -> Self {
        Self {
            sites: records.sites().flat_map(|site| site.words()).collect(),
            rewritten: Rewritten::new(image, 0, |_| None),
        }
    }

    fn contains(&self, address: u64) -> bool {
        !self.sites.contains(&address) && !self.rewritten.contains(address)
    }
}
