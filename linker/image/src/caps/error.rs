//! Errors of reading and evaluating cpucaps.

use alt_runtime::cap::DetectError;

/// The cpucaps of a kernel cannot be read or evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CapsError {
    /// The TOML file has mistakes: a text for each, with line and column.
    #[error("{}", .0.join("\n\n"))]
    File(Vec<String>),
    /// The section `.alt_cpucaps` was not written by `cpucaps!`, or is damaged.
    #[error(
        "section .alt_cpucaps, byte {offset:#x}: {what}; only `cpucaps!` writes it: build \
         the image with alt-runtime and alt-linker of the same version"
    )]
    Section {
        /// The offset in the section, in bytes.
        offset: usize,
        /// The reason.
        what: &'static str,
    },
    /// The cap is not undecided, so nothing can be assumed for it.
    #[error(
        "the ID registers decide cpucap {name}{}",
        if .undecided.is_empty() {
            "; no cpucap is undecided".to_owned()
        } else {
            format!("; undecided are {}", .undecided.join(", "))
        }
    )]
    Decided {
        /// The name that was given.
        name: String,
        /// The undecided caps.
        undecided: Vec<&'static str>,
    },
    /// A cap of the TOML file is missing in the list of numbers.
    #[error("[{name}] is not in the list of cpucaps: {there}")]
    NotListed {
        /// Its name.
        name: String,
        /// The names of the list, for the message.
        there: String,
    },
    /// An override on the kernel command line is invalid.
    #[error("kernel command line, {word}: {why}")]
    Override {
        /// The word.
        word: String,
        /// The reason.
        why: alt_runtime::cap::OverrideError,
    },
    /// A kernel would refuse such a machine.
    #[error("{0}")]
    Detect(#[from] DetectError),
}
