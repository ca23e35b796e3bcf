//! The code blocks of README.md and `docs/`.

use std::{fs, io};

use crate::workspace;

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// File and line of its opening fence, for messages.
    pub place: String,
    /// The info string of the fence: `rust`, `sh`, `text`.
    pub language: String,
    /// Its lines.
    pub text: String,
}

/// The blocks of README.md and of all documents, in order.
///
/// # Errors
/// When a file cannot be read.
pub fn blocks() -> io::Result<Vec<Block>> {
    let docs = workspace().join("docs");
    let mut files = vec![workspace().join("README.md")];
    for entry in fs::read_dir(&docs)? {
        files.push(entry?.path());
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file)?;
        let name = file.strip_prefix(workspace()).unwrap_or(&file);
        all.extend(blocks_of(&name.display().to_string(), &text));
    }
    Ok(all)
}

/// The commands in `sh` blocks that run a program, such as `cargo xtask`: the place of the block, and
/// the words after the program's name.
///
/// # Errors
/// As for [`blocks`].
pub fn commands(program: &str) -> io::Result<Vec<(String, Vec<String>)>> {
    let mut all = Vec::new();
    for block in blocks()?.iter().filter(|block| block.language == "sh") {
        for command in commands_of(&block.text) {
            if let Some(words) = words_after(program, &command) {
                all.push((block.place.clone(), words));
            }
        }
    }
    Ok(all)
}

fn blocks_of(name: &str, text: &str) -> Vec<Block> {
    let mut all: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (index, line) in text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), is_open) {
            (Some(language), false) => {
                all.push(Block {
                    place: format!("{name}:{}", index + 1),
                    language: language.trim().to_owned(),
                    text: String::new(),
                });
                is_open = true;
            }
            (Some(_), true) => is_open = false,
            (None, true) => {
                if let Some(block) = all.last_mut() {
                    block.text += line;
                    block.text.push('\n');
                }
            }
            (None, false) => {}
        }
    }
    all
}

/// The commands of a shell script, each split into words.
pub fn commands_of(script: &str) -> Vec<Vec<String>> {
    let script = script.replace("\\\n", " ");
    let lines = script.lines().flat_map(|line| {
        // A comment may hold an unbalanced quote: cut it before splitting.
        let line = line.split(" #").next().unwrap_or_default();
        let words = shlex::split(line).unwrap_or_else(|| vec![line.to_owned()]);
        let commands = words.split(|word| word == "|" || word == "&&");
        commands.map(<[String]>::to_vec).collect::<Vec<_>>()
    });
    lines.filter(|command| !command.is_empty()).collect()
}

/// The words after a program's name.
fn words_after(program: &str, command: &[String]) -> Option<Vec<String>> {
    let name: Vec<_> = program.split(' ').collect();
    let rest = command.get(name.len()..)?;
    (command[..name.len()] == name).then(|| rest.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_with_their_places() {
        let found = blocks_of(
            "a.md",
            "text\n   ```rust\n   f();\n   ```\n```sh\nls\n```\n",
        );
        let block = |place: &str, language: &str, text: &str| Block {
            place: place.into(),
            language: language.into(),
            text: text.into(),
        };
        assert_eq!(
            found,
            [
                block("a.md:2", "rust", "   f();\n"),
                block("a.md:5", "sh", "ls\n")
            ]
        );
    }

    #[test]
    fn commands_are_split_as_a_shell_does() {
        let script = "# all\nalt dump k --cap 'A B'   # it's one\nalt a | jq x && \\\n    alt b\n";
        let commands = commands_of(script);
        let words = |index: usize| words_after("alt", &commands[index]);
        assert_eq!(words(0).unwrap(), ["dump", "k", "--cap", "A B"]);
        assert_eq!(words(1).unwrap(), ["a"]);
        assert_eq!(words(2), None);
        assert_eq!(words(3).unwrap(), ["b"]);
        assert_eq!(commands.len(), 4);
    }
}
