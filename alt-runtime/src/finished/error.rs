//! Why a finished table is refused.

use core::fmt;

use crate::message::message;

/// A finished table that cannot be used. No word has been written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TableError {
    /// The table has another version of the layout than this code.
    Version {
        /// Version of the table.
        found: u8,
    },
    /// The table is longer than the section that holds it. In words.
    Truncated {
        /// Length that the table needs, as far as it is known.
        needed: usize,
        /// Number of words found.
        found: usize,
    },
    /// Header or directory are not as the tool wrote them.
    Header,
    /// The parts that the header names do not make up the table.
    Layout,
    /// The dictionary is not as the tool wrote it.
    Dictionary,
    /// The table of the bucket is not as the tool wrote it.
    Bucket,
    /// A run of the bucket has an unknown kind, no site length, or more steps than the bucket has.
    Run {
        /// Where the run is, in words from the start of the bucket's table.
        at: usize,
    },
    /// A step names words that the dictionary does not have.
    OutsideDictionary,
    /// The bucket has not as many sites as the directory states.
    Sites {
        /// Number in the directory.
        stated: u32,
        /// Number in the bucket's table.
        found: u32,
    },
    /// The instructions at the bucket's sites are not those that were linked. If one of the sites
    /// holds a word that it cannot have been linked with, the error is about that site, else about
    /// the first one of the bucket.
    Text,
    /// The site holds its new word already: the text has been patched before.
    Patched,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Version { found } => message!(
                f,
                "the finished table has layout version {}, this kernel reads version {}: finish the image with the tool of the same release",
                found,
                super::format::VERSION
            ),
            Self::Truncated { needed, found } => message!(
                f,
                "the finished table needs {} words, and the image has only {}",
                needed,
                found
            ),
            Self::Header => message!(f, "the header of the finished table is damaged"),
            Self::Layout => message!(f, "the parts of the finished table do not fit together"),
            Self::Dictionary => message!(f, "the dictionary of the finished table is damaged"),
            Self::Bucket => message!(f, "the bucket's table is damaged"),
            Self::Run { at } => {
                message!(f, "the run at word {} of the bucket's table is damaged", at)
            }
            Self::OutsideDictionary => message!(f, "a step names words outside of the dictionary"),
            Self::Sites { stated, found } => message!(
                f,
                "the bucket has {} sites, the directory states {}",
                found,
                stated
            ),
            Self::Text => {
                message!(
                    f,
                    "the instructions at the bucket's sites are not those that were linked"
                )
            }
            Self::Patched => {
                message!(
                    f,
                    "the site holds its new word already: the text has been patched before"
                )
            }
        }
    }
}

impl core::error::Error for TableError {}
