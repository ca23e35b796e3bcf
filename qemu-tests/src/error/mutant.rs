//! Errors of making a mutant of an image.

/// Why a mutant of an image cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MutantError {
    /// A function is missing.
    #[error("the image has no function {name}; was it renamed?")]
    NoRoutine {
        /// The end of its demangled path.
        name: &'static str,
    },
    /// An instruction is missing.
    #[error("{routine} has no instruction `{pattern}` number {n}; adapt the mutants to it")]
    NoPattern {
        /// The function.
        routine: &'static str,
        /// The instruction.
        pattern: &'static str,
        /// Index among the instructions that match, from 0.
        n: usize,
    },
    /// The instruction is in no section of the file.
    #[error("the image's file does not hold its text")]
    NoPlace,
    /// The copy cannot be written or read.
    #[error("the copy of the image cannot be used: {0}")]
    Copy(String),
}
