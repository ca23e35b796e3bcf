//! Names in messages.

use core::fmt;

use super::format::Id;

/// The end of a name, for messages: the payload may be unloaded when the message is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name {
    bytes: [u8; Self::MAX],
    len: u8,
    is_cut: bool,
}

impl Name {
    /// Bytes that are kept.
    const MAX: usize = 58;

    /// The last bytes of `name`, which are the most specific part of a path.
    pub(super) fn new(name: &str) -> Self {
        let mut start = name.len().saturating_sub(Self::MAX);
        while !name.is_char_boundary(start) {
            start += 1;
        }
        let kept = name.as_bytes().get(start..).unwrap_or_default();
        let mut bytes = [0; Self::MAX];
        for (to, from) in bytes.iter_mut().zip(kept) {
            *to = *from;
        }
        Self {
            bytes,
            len: kept.len() as u8,
            is_cut: start != 0,
        }
    }

    /// The text that is kept.
    pub fn as_str(&self) -> &str {
        let kept = self.bytes.get(..self.len.into()).unwrap_or_default();
        core::str::from_utf8(kept).unwrap_or_default()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dots = if self.is_cut { "…" } else { "" };
        write!(f, "{dots}{}", self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Name {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=str}", self.as_str());
    }
}

/// An id in hexadecimal digits.
pub(super) struct Hex<'a>(pub &'a Id);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
