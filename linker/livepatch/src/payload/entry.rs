//! The entry of an old function: its landing pad, and the words that may be at the place of the
//! branch.

use alt_image::image::Image;
use alt_image::patching::{Becomes, Host, becomes};
use alt_image::records::Records;
use alt_runtime::Insn;
use alt_runtime::insn::{Class, Form};

use super::PayloadBuildError;

/// The forms of `BTI`, `PACIASP`, `PACIBSP`: the first instruction of a function that may be called
/// indirectly where BTI is in use (Arm ARM D8.4.5).
const PADS: [u32; 6] = [
    0xd503_241f,
    0xd503_245f,
    0xd503_249f,
    0xd503_24df,
    0xd503_233f,
    0xd503_237f,
];

/// Whether a function that begins with this word has a landing pad.
pub(crate) fn is_landing_pad(word: u32) -> bool {
    PADS.contains(&word)
}

/// The direct branches that are not calls.
const LOOPS: [Form; 7] = [
    Form::B,
    Form::BCond,
    Form::BcCond,
    Form::Cbz,
    Form::Cbnz,
    Form::Tbz,
    Form::Tbnz,
];

/// The entry of a function that is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whether the function begins with a landing pad, after which the branch is.
    pub landing_pad: bool,
    /// The words that may be at the place of the branch: one, or one for each arm of the site that
    /// covers it.
    pub words: Vec<u32>,
}

/// The old image, with its records.
#[derive(Debug)]
pub struct OldImage<'a> {
    image: &'a Image,
    records: Records,
    host: Option<Host>,
}

impl<'a> OldImage<'a> {
    /// Reads the records of an image, which may have none.
    ///
    /// # Errors
    /// The tables are damaged.
    pub fn new(image: &'a Image) -> Result<Self, String> {
        let records = Records::find_any(image, None).map_err(|error| error.to_string())?;
        let host = match records.list().is_empty() {
            true => None,
            false => Some(Host::new(image, &records).map_err(|error| error.to_string())?),
        };
        Ok(Self {
            image,
            records,
            host,
        })
    }

    /// The entry of the function `name` of `size` bytes at `address`, which a function with the
    /// first word `new` replaces.
    ///
    /// # Errors
    /// The function is too short, its landing pad is another one, or its words are not known.
    pub fn entry(
        &self,
        name: &str,
        (address, size): (u64, u64),
        new: u32,
    ) -> Result<Entry, PayloadBuildError> {
        let not_text = || PayloadBuildError::NotText {
            name: name.to_owned(),
            address,
        };
        let first = self.image.word(address).ok_or_else(not_text)?;
        let landing_pad = is_landing_pad(first);
        let needed = if landing_pad { 8 } else { 4 };
        if size < needed {
            return Err(PayloadBuildError::TooShort {
                name: name.to_owned(),
                size,
                needed,
            });
        }
        if landing_pad && new != first {
            return Err(PayloadBuildError::LandingPad {
                name: name.to_owned(),
                old: first,
                new,
            });
        }
        let place = address + needed - 4;
        let word = self.image.word(place).ok_or_else(not_text)?;
        Ok(Entry {
            landing_pad,
            words: self.words(name, place, word)?,
        })
    }

    /// Checks that a function does not branch to the place that changes: a call in progress would
    /// continue in the new function. `BL` is a call, and starts there.
    ///
    /// # Errors
    /// It does.
    pub fn does_not_loop(
        &self,
        name: &str,
        (address, size): (u64, u64),
        landing_pad: bool,
    ) -> Result<(), PayloadBuildError> {
        let to = address + if landing_pad { 4 } else { 0 };
        for from in (address..address.saturating_add(size)).step_by(4) {
            let Some(word) = self.image.word(from) else {
                continue;
            };
            if let Class::Relative(relative) = Insn(word).classify()
                && LOOPS.contains(&relative.form)
                && relative.target(from) == to
            {
                let name = name.to_owned();
                return Err(PayloadBuildError::Loops { name, from, to });
            }
        }
        Ok(())
    }

    /// The words that patching can leave at `place`, the default first.
    pub(crate) fn words(
        &self,
        name: &str,
        place: u64,
        default: u32,
    ) -> Result<Vec<u32>, PayloadBuildError> {
        let mut words = vec![default];
        let Some(host) = &self.host else {
            return Ok(words);
        };
        for site in self
            .records
            .sites()
            .filter(|site| site.range().contains(&place))
        {
            let index = (place - site.address()) / 4;
            for arm in site.arms() {
                let becomes = becomes(host, &arm).map_err(|error| PayloadBuildError::Site {
                    name: name.to_owned(),
                    address: place,
                    why: error.to_string(),
                })?;
                let Becomes::Words(after) = becomes else {
                    return Err(PayloadBuildError::Computed {
                        name: name.to_owned(),
                        address: place,
                    });
                };
                if let Some(word) = after.get(index as usize)
                    && !words.contains(word)
                {
                    words.push(*word);
                }
            }
        }
        Ok(words)
    }
}
