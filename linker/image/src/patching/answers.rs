//! What the user knows about callbacks: the words that they leave.

use std::collections::{BTreeMap, BTreeSet};

use alt_runtime::Insn;
use toml::de::{DeTable, DeValue};

use crate::image::Image;
use crate::records::Site;

/// One word that a callback leaves: `value`, and of the site's original word the bits `keep`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// What the callback puts there.
    pub value: u32,
    /// The bits of the original that stay, registers for one.
    pub keep: u32,
}

/// What callbacks leave, by the name of the callback or the place of a site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    words: BTreeMap<String, Vec<Word>>,
}

/// Why a file with answers cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// It is no TOML. The parser's words.
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
        /// What the callback puts there.
        value: u32,
        /// The bits that stay.
        keep: u32,
    },
    /// There is no such callback, and no such site of one.
    #[error("`{name}` is neither a callback of a record nor a site of one{}", listed(.there))]
    NotThere {
        /// The entry.
        name: String,
        /// The callbacks that there are.
        there: Vec<String>,
    },
    /// A site has another length.
    #[error("`{name}` gives {given} words, the site at {site:#x} has {len}")]
    Length {
        /// The entry.
        name: String,
        /// How many words it gives.
        given: usize,
        /// The site's address.
        site: u64,
        /// How many instructions it has.
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
    /// Nothing is known.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads a TOML file: for the name of each callback, or `symbol+0x10` of one site, the words
    /// that it leaves there.
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
    /// The text is no TOML, or an entry is no list of words.
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

    /// Says what the callback of this name, or the one of the site at this place, leaves.
    pub fn set(&mut self, name: impl Into<String>, words: Vec<Word>) {
        self.words.insert(name.into(), words);
    }

    /// Whether each entry is about some site of a callback, given by its place and the name of
    /// the callback.
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

    /// The words for a site; `None` when nothing is known. What is said of the site itself comes
    /// before what is said of its callback.
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
