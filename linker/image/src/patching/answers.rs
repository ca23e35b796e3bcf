//! The results of callbacks, as the user states them.

use std::collections::{BTreeMap, BTreeSet};

use alt_runtime::Insn;
use toml::de::{DeTable, DeValue};

use crate::image::Image;
use crate::records::Site;

/// One word that a callback writes: `value`, and the bits `keep` of the original word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// The bits that the callback sets.
    pub value: u32,
    /// The bits of the original word that are kept, for example register numbers.
    pub keep: u32,
}

/// The results of callbacks, by the name of the callback or the place of a site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    words: BTreeMap<String, Vec<Word>>,
}

/// Errors of a file with results of callbacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The text is not TOML. The message of the parser.
    #[error("{0}")]
    Syntax(String),
    /// An entry is not a list of words.
    #[error(
        "line {line}: `{name}` must be a list of words, each a number or a pair of a number and \
         the bits of the original that stay: {name} = [0xd503201f, [0xd2800300, 0x1f]]"
    )]
    Shape {
        /// The entry.
        name: String,
        /// Its line in the file, from 1.
        line: usize,
    },
    /// A word sets bits that it keeps.
    #[error("line {line}: `{name}`: {value:#x} sets bits that {keep:#x} keeps")]
    Bits {
        /// The entry.
        name: String,
        /// Its line in the file, from 1.
        line: usize,
        /// The bits that the callback sets.
        value: u32,
        /// The bits that are kept.
        keep: u32,
    },
    /// The name is neither a callback nor the site of one.
    #[error("`{name}` is neither a callback nor the site of a callback{}", listed(.there))]
    NotThere {
        /// The entry.
        name: String,
        /// The known callbacks.
        there: Vec<String>,
    },
    /// A site has another length.
    #[error("`{name}` gives {given} words, the site at {site:#x} has {len}")]
    Length {
        /// The entry.
        name: String,
        /// The number of words in the entry.
        given: usize,
        /// The site's address.
        site: u64,
        /// The number of its instructions.
        len: usize,
    },
}

fn listed(callbacks: &[String]) -> String {
    match callbacks {
        [] => "; the image has none".into(),
        _ => format!("; the callbacks are {}", callbacks.join(", ")),
    }
}

impl Answers {
    /// No results.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads a TOML file: for the name of a callback, or for `symbol+0x10` of one site, the words
    /// that the callback writes.
    ///
    /// ```
    /// use alt_image::patching::Answers;
    ///
    /// let answers = Answers::from_toml(
    ///     r#"
    ///     CONDUIT = [0xd4000002]              # hvc #0
    ///     LOOP_COUNT = [[0xd2800300, 0x1f]]   # mov xN, #24; N as it was
    ///     "#,
    /// );
    /// assert!(answers.is_ok());
    /// ```
    ///
    /// # Errors
    /// The text is not TOML, or an entry is not a list of words.
    pub fn from_toml(text: &str) -> Result<Self, AnswerError> {
        let table = DeTable::parse(text)
            .map_err(|error| AnswerError::Syntax(error.to_string().trim_end().into()))?;
        let mut answers = Self::default();
        for (key, value) in table.get_ref() {
            let name = key.get_ref().to_string();
            let line = || {
                let before = text.get(..value.span().start).unwrap_or(text);
                1 + before.matches('\n').count()
            };
            let shape = || AnswerError::Shape {
                name: name.clone(),
                line: line(),
            };
            let entries = value.get_ref().as_array().ok_or_else(shape)?;
            let words = entries.iter().map(|entry| word(entry.get_ref()));
            let words = words.collect::<Option<Vec<_>>>().ok_or_else(shape)?;
            if let Some(word) = words.iter().find(|word| word.value & word.keep != 0) {
                return Err(AnswerError::Bits {
                    name,
                    line: line(),
                    value: word.value,
                    keep: word.keep,
                });
            }
            answers.set(name, words);
        }
        Ok(answers)
    }

    /// Sets the words that the callback of this name writes, or the one of the site at this place.
    pub fn set(&mut self, name: impl Into<String>, words: Vec<Word>) {
        self.words.insert(name.into(), words);
    }

    /// Checks that each entry is about a site of a callback. `sites` has places and names of
    /// callbacks.
    pub(super) fn check(
        &self,
        image: &Image,
        sites: impl Iterator<Item = (u64, String)>,
    ) -> Result<(), AnswerError> {
        if self.words.is_empty() {
            return Ok(());
        }
        let (mut known, mut there) = (BTreeSet::new(), BTreeSet::new());
        for (site, callback) in sites {
            known.extend(image.place(site).map(|place| place.to_string()));
            known.insert(short(&callback).to_owned());
            known.insert(callback.clone());
            there.insert(callback);
        }
        match self.words.keys().find(|name| !known.contains(*name)) {
            None => Ok(()),
            Some(name) => Err(AnswerError::NotThere {
                name: name.clone(),
                there: there.into_iter().collect(),
            }),
        }
    }

    /// The words for a site; `None` if they are unknown. An entry for the site has priority over
    /// one for its callback.
    pub(super) fn for_site(
        &self,
        image: &Image,
        site: &Site<'_>,
        callback: &str,
        original: &[u32],
    ) -> Result<Option<Vec<Insn>>, AnswerError> {
        let place = image.place(site.address()).map(|place| place.to_string());
        let names = [place.as_deref(), Some(callback), Some(short(callback))];
        let entry = names
            .into_iter()
            .flatten()
            .find_map(|name| self.words.get_key_value(name));
        let Some((name, words)) = entry else {
            return Ok(None);
        };
        if words.len() != original.len() {
            return Err(AnswerError::Length {
                name: name.clone(),
                given: words.len(),
                site: site.address(),
                len: original.len(),
            });
        }
        let pairs = words.iter().zip(original);
        Ok(Some(
            pairs
                .map(|(word, original)| Insn(word.value | original & word.keep))
                .collect(),
        ))
    }
}

/// The last part of a path.
fn short(callback: &str) -> &str {
    callback.rsplit("::").next().unwrap_or(callback)
}

/// A word of the file: a number, or a pair of numbers.
fn word(value: &DeValue<'_>) -> Option<Word> {
    if let Some(value) = number(value) {
        return Some(Word { value, keep: 0 });
    }
    match value.as_array()?.iter().collect::<Vec<_>>()[..] {
        [value, keep] => Some(Word {
            value: number(value.get_ref())?,
            keep: number(keep.get_ref())?,
        }),
        _ => None,
    }
}

fn number(value: &DeValue<'_>) -> Option<u32> {
    let integer = value.as_integer()?;
    u32::from_str_radix(integer.as_str(), integer.radix()).ok()
}
