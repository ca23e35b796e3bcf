//! Names of a file in messages.

use std::fmt::{self, Write};

/// The longest name that is shown whole, in bytes: a damaged file may contain arbitrarily long ones.
const LONGEST: usize = 4096;

/// The longest demangled name, in bytes. A few bytes of a mangled name can expand to a megabyte.
const MAX_DEMANGLED: usize = 1 << 14;

/// A name of the file, or its beginning; invalid UTF-8 is replaced.
pub fn name(name: &[u8]) -> String {
    match name.split_at_checked(LONGEST) {
        Some((start, [_, ..])) => format!("{}…", printable(start)),
        _ => printable(name),
    }
}

/// The whole name, fit for a terminal and for output by lines: control characters, newlines
/// included, are escaped, and invalid UTF-8 is replaced.
pub fn printable(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    if !text.contains(char::is_control) {
        return text.into_owned();
    }
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_control() {
            true => escaped.extend(character.escape_default()),
            false => escaped.push(character),
        }
    }
    escaped
}

/// The demangled name of a symbol; the mangled name if the result would be very long.
pub fn demangled(name: &str) -> String {
    let mut text = Bounded(String::new());
    let name = match write!(text, "{:#}", rustc_demangle::demangle(name)) {
        Ok(()) => &text.0,
        Err(fmt::Error) => name,
    };
    printable(name.as_bytes())
}

/// A text with a limit of its length.
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.0.len() + part.len() > MAX_DEMANGLED {
            return Err(fmt::Error);
        }
        self.0.push_str(part);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        let escaped = r"a\nb\u{1b}[31m\u{7f}\u{85}é";
        assert_eq!(name("a\nb\x1b[31m\x7f\u{85}é".as_bytes()), escaped);
        assert_eq!(demangled("a\nb\x1b[31m\x7f\u{85}é"), escaped);
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(name(b".text\xff"), ".text\u{fffd}");
        assert_eq!(name(&[b'a'; 4095]), "a".repeat(4095));
        assert_eq!(name(&[b'a'; 5000]), "a".repeat(4096) + "…");
    }

    /// Generic arguments, each a pair of the previous one, in Rust's mangling version 0.
    #[test]
    fn few_bytes_stand_for_no_megabyte() {
        assert_eq!(demangled("_RNvCs1234_4demo4main"), "demo::main");
        let digits: Vec<char> = ('0'..='9').chain('a'..='z').chain('A'..='Z').collect();
        let pairs = |count: usize| {
            let (mut mangled, mut last) = (String::from("_RIC1au"), 4);
            for _ in 0..count {
                let at = mangled.len() - 2;
                // The number in base 62, less one.
                let (high, low) = ((last - 1) / 62, (last - 1) % 62);
                let back = match high {
                    0 => format!("B{}_", digits[low]),
                    _ => format!("B{}{}_", digits[high], digits[low]),
                };
                mangled += &format!("T{back}{back}E");
                last = at;
            }
            mangled + "E"
        };
        assert_eq!(
            demangled(&pairs(2)),
            "a::<(), ((), ()), (((), ()), ((), ()))>"
        );
        assert_eq!(demangled(&pairs(20)), pairs(20));
    }
}
