//! Registers in lines `NAME=0x…`, alone or in a log.

use super::{At, IdsError, Machine, Registers};

/// The machine, or `None` if the text is not of this form.
pub fn read(name: &str, text: &str) -> Result<Option<Machine>, IdsError> {
    // The log of a terminal may contain colours.
    let text = anstream::adapter::strip_str(text).to_string();
    let is_log = text.lines().any(|line| logged(line).is_some());
    if !is_log && !text.lines().any(is_plain) {
        return Ok(None);
    }
    let mut registers = Registers::default();
    for (line, content) in (1..).zip(text.lines()) {
        let at = || At {
            file: name.to_owned(),
            line,
        };
        let given = match is_log {
            true => logged(content),
            false if is_nothing(content) => None,
            false => match pair(content.trim()) {
                Some(given) => Some(given),
                None => {
                    let text = content.trim().to_owned();
                    return Err(IdsError::NotALine { at: at(), text });
                }
            },
        };
        if let Some((register, number)) = given {
            registers.add(at, register, number)?;
        }
    }
    Ok(registers.machine())
}

/// The register in a line of a log: `[INFO ] idreg NAME=0x… (kernel.rs:17)`.
fn logged(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    words.find(|word| *word == "idreg")?;
    words.next()?.split_once('=')
}

/// Whether a line is `NAME=0x…` with an upper-case name. In TOML, the number would be quoted.
fn is_plain(line: &str) -> bool {
    pair(line.trim()).is_some_and(|(name, number)| {
        number.starts_with("0x")
            && name
                .bytes()
                .all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
    })
}

fn pair(line: &str) -> Option<(&str, &str)> {
    line.split_once('=')
        .filter(|_| !line.contains(char::is_whitespace))
}

fn is_nothing(line: &str) -> bool {
    line.trim().is_empty() || line.trim_start().starts_with('#')
}
