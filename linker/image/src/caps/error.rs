//! Why cpucaps cannot be read or decided.

use alt_runtime::cap::DetectError;

use crate::names::or_meant;

/// The cpucaps of a kernel cannot be read or decided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CapsError {
    /// The TOML file has mistakes: a text for each, with line and column.
    #[error("{}", .0.join("\n\n"))]
    File(Vec<String>),
    /// The section `.alt_cpucaps` is not what `cpucaps!` writes.
    #[error(
        "section .alt_cpucaps, byte {offset:#x}: {what}; it is written by `cpucaps!` and nobody \
         else: build the image with alt-runtime and alt-linker of the same version"
    )]
    Section {
        /// Where, in bytes from the start of the section.
        offset: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// There is nothing to assume about this cap.
    #[error(
        "nothing is undecided about a cpucap {name}{}",
        if .undecided.is_empty() {
            "; nothing is about any".to_owned()
        } else {
            format!("; only about {}", .undecided.join(", "))
        }
    )]
    Decided {
        /// The name that was given.
        name: String,
        /// The names of which something is undecided.
        undecided: Vec<&'static str>,
    },
    /// A cap that is described is not in the list that gives the numbers.
    #[error("[{name}] is not in the list of cpucaps{}", or_meant(.nearest))]
    NotListed {
        /// Its name.
        name: String,
        /// Names of the list that look like it.
        nearest: Vec<String>,
    },
    /// A word of the kernel command line looks like an override and cannot be obeyed.
    #[error("kernel command line, {word}: {why}")]
    Override {
        /// The word.
        word: String,
        /// What is wrong with it.
        why: alt_runtime::cap::OverrideError,
    },
    /// A kernel would refuse such a machine.
    #[error("{0}")]
    Detect(#[from] DetectError),
}
