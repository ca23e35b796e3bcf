//! The section `.alt_cpucaps`, which `cpucaps!` writes (`alt-macros/src/cpucaps/mod.rs`):
//! pairs of NUL-terminated strings, the text of the file and its marks.

use alt_cpucaps::Cpucaps;

use super::{Caps, CapsError, without_cfg};

/// Reads every distinct file in the section.
pub fn read(bytes: &[u8]) -> Result<Vec<Caps>, CapsError> {
    let mut found: Vec<File<'_>> = Vec::new();
    let mut strings = Strings { bytes, offset: 0 };
    while let Some((text_offset, text)) = strings.next()? {
        let Some((offset, marks)) = strings.next()? else {
            return Err(error(text_offset, "a text without its marks after it"));
        };
        if let Some(known) = found.iter_mut().find(|file| file.text == text) {
            let marks = possible(&known.model, offset, marks)?;
            for (known, mark) in known.possible.iter_mut().zip(marks) {
                // Two crates disagree; the table that the kernel uses is unknown here.
                *known = known.filter(|_| *known == mark);
            }
            continue;
        }
        let model = alt_cpucaps::check(Caps::SECTION, text).map_err(CapsError::File)?;
        let possible = possible(&model, offset, marks)?;
        found.push(File {
            text,
            model,
            possible,
        });
    }
    if found.is_empty() {
        return Err(error(0, "there is no text in it"));
    }
    let caps = |file: File<'_>| Caps::new(file.text.to_owned(), file.model, file.possible);
    Ok(found.into_iter().map(caps).collect())
}

struct File<'a> {
    text: &'a str,
    model: Cpucaps,
    possible: Vec<Option<bool>>,
}

/// The marks of all caps.
fn possible(model: &Cpucaps, offset: usize, marks: &str) -> Result<Vec<Option<bool>>, CapsError> {
    if marks.len() != model.caps.len() {
        return Err(error(offset, "as many marks as cpucaps were expected"));
    }
    let mut possible = Vec::new();
    for ((at, mark), cap) in (offset..).zip(marks.bytes()).zip(&model.caps) {
        possible.push(match (mark, without_cfg(cap)) {
            (b'1', _) => Some(true),
            (b'0', None) => Some(false),
            _ => {
                return Err(error(
                    at,
                    "not a mark: 1, or 0 for a cpucap with a false `cfg`",
                ));
            }
        });
    }
    Ok(possible)
}

/// The strings of the section.
struct Strings<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Strings<'a> {
    /// The next string and its offset.
    fn next(&mut self) -> Result<Option<(usize, &'a str)>, CapsError> {
        let offset = self.offset;
        let rest = self.bytes.get(offset..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let Some(end) = rest.iter().position(|byte| *byte == 0) else {
            return Err(error(offset, "a string without a NUL byte after it"));
        };
        self.offset = offset + end + 1;
        match str::from_utf8(rest.get(..end).unwrap_or_default()) {
            Ok(text) => Ok(Some((offset, text))),
            Err(why) => Err(error(offset + why.valid_up_to(), "not UTF-8")),
        }
    }
}

fn error(offset: usize, what: &'static str) -> CapsError {
    CapsError::Section { offset, what }
}
