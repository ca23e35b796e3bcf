//! The calls of outline atomics that become sites before the link, by alt-linker, and after it, by alt-finish.

const CALLS: &str = include_str!("outlined_calls.s");

/// An assembler text with the file of these calls in the place of its `.include`.
///
/// # Panics
/// If the text does not include it.
pub fn with_outlined_calls(text: &str) -> String {
    const INCLUDE: &str = ".include \"outlined_calls.s\"\n";
    assert!(text.contains(INCLUDE), "{text}");
    text.replace(INCLUDE, CALLS)
}
