//! Response files (`@FILE`): arguments of a linker in a file.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::{fs, io};

/// The largest nesting of response files.
const DEPTH: usize = 10;

/// Replaces each response file by its arguments.
pub fn expand(arguments: &[OsString]) -> io::Result<Vec<OsString>> {
    let mut all = Vec::new();
    expand_into(arguments, DEPTH, &mut all)?;
    Ok(all)
}

fn expand_into(arguments: &[OsString], depth: usize, all: &mut Vec<OsString>) -> io::Result<()> {
    for argument in arguments {
        let name = argument.to_str().and_then(|text| text.strip_prefix('@'));
        let Some(name) = name.filter(|name| Path::new(name).is_file()) else {
            // Linkers also treat it as the name of a file.
            all.push(argument.clone());
            continue;
        };
        let named = |why: &dyn std::fmt::Display| io::Error::other(format!("@{name}: {why}"));
        if depth == 0 {
            return Err(named(&"files of arguments name each other"));
        }
        let text = fs::read_to_string(name).map_err(|why| named(&why))?;
        expand_into(&words(&text), depth - 1, all)?;
    }
    Ok(())
}

/// The words of a response file, as GNU tools and lld split it: separated by white space, with quotes
/// and backslash escapes.
fn words(text: &str) -> Vec<OsString> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', _) => word.get_or_insert_default().extend(characters.next()),
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (c, None) if c.is_ascii_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words.iter().map(|word| OsStr::new(word).into()).collect()
}

/// The text of a response file with these arguments. An error if one is not UTF-8.
pub fn quoted(arguments: &[OsString]) -> io::Result<String> {
    let lines = arguments.iter().map(|argument| {
        let text = argument.to_str().ok_or_else(|| {
            let name = argument.display();
            io::Error::other(format!(
                "{name}: not UTF-8, so it cannot be in a response file"
            ))
        })?;
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        Ok(format!("\"{text}\"\n"))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn words_of_a_response_file() {
        let text = "-o out\n\"a b.o\" c\\ d.o\t'e\"f' g\\\\h \"\"";
        let expected = ["-o", "out", "a b.o", "c d.o", "e\"f", "g\\h", ""];
        assert_eq!(words(text), os(&expected));
        assert_eq!(words(&quoted(&os(&expected)).unwrap()), os(&expected));
    }

    #[test]
    fn response_files_that_name_each_other_are_refused() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("loop");
        let name = format!("@{}", path.display());
        fs::write(&path, &name).unwrap();
        let error = expand(&os(&[&name])).unwrap_err();
        assert!(error.to_string().contains("name each other"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn argument_that_is_not_utf8_is_refused() {
        use std::os::unix::ffi::OsStringExt;

        let argument = OsString::from_vec(b"a\xff".to_vec());
        let error = quoted(&[argument]).unwrap_err().to_string();
        assert!(
            error.ends_with("it cannot be in a response file"),
            "{error}"
        );
    }
}
