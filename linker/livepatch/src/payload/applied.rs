//! Payloads that a running kernel has applied: their changes in memory.

use alt_image::image::Image;
use alt_runtime::Insn;
use alt_runtime::livepatch::format::{FUNCTION_LANDING_PAD, Function};
use alt_runtime::livepatch::{Payload, PayloadError};

use super::hex;
use crate::archive::BuildId;

/// A payload that is applied.
#[derive(Debug)]
pub struct Applied<'a> {
    /// The payload.
    pub payload: Payload<'a>,
    /// The link address at which it is loaded, if that is known.
    pub base: Option<u64>,
    /// The address of the build id of the image.
    pub anchor: u64,
}

/// A file is not a payload that is applied to the image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppliedError {
    /// The file is not a payload.
    #[error("not a payload: {0}")]
    Payload(PayloadError),
    /// It is for another image.
    #[error("the payload is for the image {expected}, and this one is {found}")]
    OtherImage {
        /// The id of its image.
        expected: String,
        /// The id of the image.
        found: String,
    },
    /// It builds on another payload than the one before it.
    #[error(
        "the payload builds on {expected}, and the one before it is {found}: give them in the order in which they were applied"
    )]
    Order {
        /// The id of its parent.
        expected: String,
        /// The id of the payload before it, or of the image.
        found: String,
    },
    /// The memory has no branch to the payload.
    #[error(
        "the payload is not applied: the entry of {function}, at {address:#x}, has {found} and no branch to the payload; if it is applied, give its address as FILE@ADDRESS"
    )]
    NotApplied {
        /// The function.
        function: String,
        /// The place of the branch.
        address: u64,
        /// The word there.
        found: Insn,
    },
    /// A function cannot be reached from the address.
    #[error("{function} cannot be reached from the old function, at {base:#x}")]
    OutOfReach {
        /// The function.
        function: String,
        /// The address of the payload.
        base: u64,
    },
}

impl<'a> Applied<'a> {
    /// The payloads of a kernel, in the order in which they were applied, each with its address if
    /// that is known.
    ///
    /// # Errors
    /// A file is not a payload for the image, or the order is another one.
    pub fn all(
        image: &Image,
        files: impl IntoIterator<Item = (&'a [u8], Option<u64>)>,
    ) -> Result<Vec<Self>, (usize, AppliedError)> {
        let id = BuildId::of(image);
        let mut last = None;
        let mut all = Vec::new();
        for (index, (file, base)) in files.into_iter().enumerate() {
            let payload =
                Payload::parse(file).map_err(|error| (index, AppliedError::Payload(error)))?;
            let expected = payload.image();
            let Some(id) = id.filter(|id| id.id == expected) else {
                let found = id.map_or_else(|| "none".to_owned(), |id| id.to_string());
                let expected = hex(&expected);
                return Err((index, AppliedError::OtherImage { expected, found }));
            };
            let before = last.unwrap_or(id.id);
            if payload.parent() != before {
                let (expected, found) = (hex(&payload.parent()), hex(&before));
                return Err((index, AppliedError::Order { expected, found }));
            }
            last = Some(payload.id());
            all.push(Self {
                payload,
                base,
                anchor: id.anchor,
            });
        }
        Ok(all)
    }

    /// The address of a function's branch.
    fn place(&self, function: &Function) -> u64 {
        let old = self
            .anchor
            .wrapping_add_signed(i64::from(function.old as i32));
        old.wrapping_add(pad(function))
    }

    /// Finds the address at which the payload is loaded, by the branches in memory: `word` reads a
    /// word. `hidden` has the places that a payload which was applied later has changed.
    ///
    /// # Errors
    /// No branch to the payload was found. `Ok` without an address if all branches are hidden, or outside of
    /// the known memory.
    pub fn find(
        &mut self,
        word: impl Fn(u64) -> Option<u32>,
        hidden: impl Fn(u64) -> bool,
    ) -> Result<(), AppliedError> {
        let payload = self.payload;
        for function in payload.functions() {
            if self.base.is_some() {
                break;
            }
            let place = self.place(&function);
            let Some(found) = word(place).filter(|_| !hidden(place)) else {
                continue;
            };
            // B (Arm ARM C6.2.26).
            let target = (found >> 26 == 0b000101).then(|| {
                let distance = i64::from((found << 6) as i32 >> 6) * 4;
                place.wrapping_add_signed(distance)
            });
            let base =
                target.map(|target| target.wrapping_sub(u64::from(function.new) + pad(&function)));
            let aligned = |base: &u64| {
                base.is_multiple_of(alt_runtime::livepatch::format::SEGMENT_ALIGN.into())
            };
            self.base = Some(
                base.filter(aligned)
                    .ok_or_else(|| AppliedError::NotApplied {
                        function: self.name(&function).to_owned(),
                        address: place,
                        found: Insn(found),
                    })?,
            );
        }
        Ok(())
    }

    /// The name of a function.
    pub fn name(&self, function: &Function) -> &'a str {
        self.payload.text(function.name, function.name_len)
    }

    /// The places of the branches.
    pub fn places(&self) -> impl Iterator<Item = u64> + '_ {
        self.payload
            .functions()
            .map(|function| self.place(&function))
    }

    /// The branches: addresses and words. Nothing if the payload's address is not known.
    ///
    /// # Errors
    /// A function cannot be reached.
    pub fn branches(&self) -> Result<Vec<(u64, u32)>, AppliedError> {
        let Some(base) = self.base else {
            return Ok(Vec::new());
        };
        let branches = self.payload.functions().map(|function| {
            let place = self.place(&function);
            let new = base.wrapping_add(u64::from(function.new) + pad(&function));
            match Insn::branch(place, new) {
                Ok(branch) => Ok((place, branch.0)),
                Err(_) => Err(AppliedError::OutOfReach {
                    function: self.name(&function).to_owned(),
                    base,
                }),
            }
        });
        branches.collect()
    }

    /// An address in the payload as payload, function and offset.
    pub fn label(&self, address: u64) -> String {
        let from_base = address.wrapping_sub(self.base.unwrap_or_default());
        let functions = self
            .payload
            .functions()
            .map(|f| (f.new, f.new_size, self.name(&f)));
        let symbols = self.payload.symbols().map(|symbol| {
            let name = self.payload.text(symbol.name, symbol.name_len);
            (symbol.start, symbol.size, name)
        });
        let mut all = functions.chain(symbols);
        let inside = all.find(|(start, size, _)| {
            from_base
                .checked_sub((*start).into())
                .is_some_and(|offset| offset < (*size).into())
        });
        let name = self.payload.name();
        match inside {
            Some((start, _, function)) => {
                format!("{name}: {function}+{:#x}", from_base - u64::from(start))
            }
            None => format!("{name}+{from_base:#x}"),
        }
    }
}

/// Bytes of the landing pad, which stays.
fn pad(function: &Function) -> u64 {
    match function.flags & FUNCTION_LANDING_PAD != 0 {
        true => 4,
        false => 0,
    }
}
