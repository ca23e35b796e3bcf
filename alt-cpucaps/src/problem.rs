//! A problem in a TOML file, and its text for people.

use std::ops::Range;

/// A problem in a file.
#[derive(Debug)]
pub struct Problem {
    /// The range of bytes that is wrong.
    pub span: Range<usize>,
    /// What is wrong with it.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Problem {
    /// A problem without help.
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            help: None,
        }
    }

    /// Adds what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a help that suggests the name most similar to `found`; without a similar one, the help
    /// lists all names if there are at most 24.
    #[must_use]
    pub fn suggest<'a>(self, found: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.into_iter().collect();
        match nearest(found, &names) {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None if (1..=24).contains(&names.len()) => {
                self.help(format!("use one of: {}", names.join(", ")))
            }
            None => self,
        }
    }
}

/// The name with the smallest edit distance to `found`, if that is at most a third of its length.
fn nearest<'a>(found: &str, names: &[&'a str]) -> Option<&'a str> {
    let distance =
        |name: &str| strsim::osa_distance(&found.to_ascii_lowercase(), &name.to_ascii_lowercase());
    names
        .iter()
        .map(|&name| (distance(name), name))
        .filter(|&(distance, name)| distance <= name.len().max(3) / 3)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

/// A file: the name that messages give it, and its text.
pub struct Source<'a> {
    path: &'a str,
    text: &'a str,
}

impl<'a> Source<'a> {
    /// The file with this name and text.
    pub fn new(path: &'a str, text: &'a str) -> Self {
        Self { path, text }
    }

    /// All problems as texts, in the order of the file, each once.
    pub fn render_all(&self, mut problems: Vec<Problem>) -> Vec<String> {
        problems.sort_by_key(|problem| problem.span.start);
        problems.dedup_by(|a, b| a.span == b.span && a.message == b.message);
        problems
            .iter()
            .map(|problem| self.render(problem))
            .collect()
    }

    /// The text of a problem: place, message, the line with the token underlined, help.
    fn render(&self, problem: &Problem) -> String {
        let start = self.floor(problem.span.start);
        let line_start = self.text[..start]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let line = self.text[line_start..].lines().next().unwrap_or("");
        let number = self.text[..line_start].matches('\n').count() + 1;
        let before = &self.text[line_start..start];

        let end = self
            .floor(problem.span.end.min(line_start + line.len()))
            .max(start);
        let carets = "^".repeat(self.text[start..end].chars().count().max(1));
        // Keep tabs, so that the carets are below the token with any tab width.
        let indent: String = before
            .chars()
            .map(|c| if c == '\t' { c } else { ' ' })
            .collect();
        let gutter = " ".repeat(number.to_string().len());

        let mut text = format!(
            "{}:{number}:{}: {}\n{gutter} |\n{number} | {line}\n{gutter} | {indent}{carets}",
            self.path,
            before.chars().count() + 1,
            problem.message,
        );
        if let Some(help) = &problem.help {
            text += &format!("\n{gutter} = help: {help}");
        }
        text
    }

    /// The start of the last character that begins at or before `index`.
    fn floor(&self, index: usize) -> usize {
        let index = index.min(self.text.len());
        (0..=index)
            .rev()
            .find(|&at| self.text.is_char_boundary(at))
            .unwrap_or(0)
    }
}
