//! The names of cpucaps.

use std::sync::OnceLock;

use alt_runtime::cap::{Cap, CapInfo, CapTable, MAX_CAPS};

/// The number of names that are suggested for an unknown one.
const OFFERED: usize = 5;

/// The number of characters of an invalid line that are shown.
const SHOWN: usize = 40;

/// A file is not a list of names in the format of Linux's `arch/arm64/tools/cpucaps`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamesError {
    /// A line is not a name.
    #[error(
        "line {line}: `{text}` is not the name of a cpucap; expected a list with a name in each line, as \
         Linux's arch/arm64/tools/cpucaps, or a file in the form of cpucaps.toml with that ending"
    )]
    NotAName {
        /// The line, from 1.
        line: usize,
        /// The text of the line.
        text: String,
    },
    /// A header that tests cpucaps, and includes their numbers.
    #[error(
        "the header has no numbers: newer versions of Linux have them in asm/cpucap-defs.h, which \
         their build generates in arch/arm64/include/generated"
    )]
    WithoutNumbers,
    /// A name occurs twice, or two names have one number.
    #[error("line {line}: {name} or its number is in the list already")]
    Twice {
        /// The line, from 1.
        line: usize,
        /// The name.
        name: String,
    },
    /// The list is empty.
    #[error("the file has no names: expected a list such as Linux's arch/arm64/tools/cpucaps")]
    Empty,
    /// The list is longer than a kernel supports.
    #[error("{0} names; at most {MAX_CAPS} cpucaps are possible")]
    TooMany(usize),
}

/// The part of an error about an unknown name that lists the names of this `kind`: all if they are few,
/// otherwise the most similar ones. The last part of a path is compared too, because paths are long.
pub fn offered(asked: &str, kind: &str, names: impl IntoIterator<Item = String>) -> String {
    let asked = asked.to_lowercase();
    let likeness = |name: &str| {
        let name = name.to_lowercase();
        let last = name.rsplit("::").next().unwrap_or(&name);
        match name.contains(&asked) {
            // `LSE` for `HAS_LSE_ATOMICS`.
            true if asked.len() >= 3 => 1.0,
            _ => strsim::jaro_winkler(&asked, &name).max(strsim::jaro_winkler(&asked, last)),
        }
    };
    let names = names.into_iter().map(|name| (likeness(&name), name));
    let mut ranked: Vec<_> = names.collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let total = ranked.len();
    let names: Vec<_> = ranked.into_iter().map(|(_, name)| name).collect();
    match names.get(..OFFERED) {
        _ if total == 0 => format!("there are no {kind}"),
        Some(nearest) if total > OFFERED => {
            format!("of {total}, the nearest are {}", nearest.join(", "))
        }
        _ => format!("there are {}", names.join(", ")),
    }
}

/// The name and number in a line of `asm/cpucaps.h`: `#define ARM64_BTI 0`.
fn defined(line: &str) -> Option<(&str, usize)> {
    let mut words = line.split_whitespace();
    let is_define = words.next() == Some("#define");
    let name = words.next()?.strip_prefix("ARM64_")?;
    let number = words.next()?.parse().ok()?;
    is_define.then_some((name, number))
}

/// The names of cpucaps, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapNames {
    names: Vec<String>,
}

impl CapNames {
    /// Names in the order of their numbers.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self {
            names: names.into_iter().collect(),
        }
    }

    /// The names in a file in the format of Linux's `arch/arm64/tools/cpucaps`: one per line, in the
    /// order of their numbers; `#` begins a comment. Also those in the header `asm/cpucaps.h` or
    /// `asm/cpucap-defs.h`, which the build of Linux generates from it, or which the source has before
    /// 5.13: lines `#define ARM64_NAME 7`.
    ///
    /// # Errors
    /// [`NamesError`] if the file has another format.
    pub fn from_linux(text: &str) -> Result<Self, NamesError> {
        if text.lines().any(|line| defined(line).is_some()) {
            return Self::from_header(text);
        }
        if text.lines().any(|line| line.starts_with("#ifndef __ASM_")) {
            return Err(NamesError::WithoutNumbers);
        }
        let mut names: Vec<String> = Vec::new();
        for (line, content) in (1..).zip(text.lines()) {
            let name = content.split('#').next().unwrap_or_default().trim();
            if name.is_empty() {
                continue;
            }
            let is_of_name = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
            if !name.bytes().all(is_of_name) || name.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(NamesError::NotAName {
                    line,
                    text: name.chars().take(SHOWN).collect(),
                });
            }
            if names.iter().any(|other| other == name) {
                let name = name.into();
                return Err(NamesError::Twice { line, name });
            }
            names.push(name.into());
        }
        match names.len() {
            0 => Err(NamesError::Empty),
            len if len > MAX_CAPS => Err(NamesError::TooMany(len)),
            _ => Ok(Self { names }),
        }
    }

    /// The names in `asm/cpucaps.h`. A number that no line defines gets a name of
    /// its own.
    fn from_header(text: &str) -> Result<Self, NamesError> {
        let mut found: Vec<Option<&str>> = Vec::new();
        for (line, content) in (1..).zip(text.lines()) {
            let Some((name, number)) = defined(content) else {
                continue;
            };
            // The number of cpucaps, not a cpucap.
            if name == "NCAPS" {
                continue;
            }
            if number >= MAX_CAPS {
                return Err(NamesError::TooMany(number.saturating_add(1)));
            }
            found.resize(found.len().max(number + 1), None);
            if found[number].is_some() || found.contains(&Some(name)) {
                let name = name.into();
                return Err(NamesError::Twice { line, name });
            }
            found[number] = Some(name);
        }
        let named = found.iter().enumerate().map(|(number, name)| match name {
            Some(name) => (*name).into(),
            None => format!("UNNAMED_{number}"),
        });
        match found.is_empty() {
            true => Err(NamesError::Empty),
            false => Ok(Self::new(named)),
        }
    }

    /// The number of cpucaps with a name.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no name is known.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names, by number.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The part of an error about an unknown cpucap that lists the known ones.
    pub fn offered(&self, asked: &str) -> String {
        offered(asked, "cpucaps", self.iter().map(str::to_owned))
    }

    /// The name of a cpucap.
    pub fn get(&self, number: u16) -> Option<&str> {
        self.names.get(usize::from(number)).map(String::as_str)
    }

    /// The name of a cpucap, or its number if it has no name: `LSE`, `cap 7`.
    pub fn label(&self, number: u16) -> String {
        self.get(number)
            .map_or_else(|| format!("cap {number}"), String::from)
    }

    /// A table of cpucaps with names only; without names, of the largest possible size.
    pub fn table(&self) -> &'static CapTable {
        let len = match self.names.len() {
            0 => MAX_CAPS,
            len => len.min(MAX_CAPS),
        };
        let entries: Vec<_> = NUMBERED[..len]
            .iter()
            .map(|info| CapInfo {
                // Tables of the runtime are constants. This one is leaked; a program needs one.
                name: self.label(info.cap.number()).leak(),
                ..*info
            })
            .collect();
        Box::leak(Box::new(CapTable::new(&entries)))
    }

    /// The number of a cpucap, given by name or number.
    pub fn number(&self, text: &str) -> Option<u16> {
        let by_name = self.names.iter().position(|name| name == text);
        by_name
            .and_then(|index| u16::try_from(index).ok())
            .or_else(|| text.parse().ok().filter(|_| !text.starts_with('+')))
    }
}

/// The table of the largest possible number of cpucaps, without names.
pub static ANY_CAP: CapTable = alt_runtime::cap_table!(&NUMBERED);

/// The table of `len` cpucaps without names.
pub fn numbered_table(len: usize) -> &'static CapTable {
    static TABLES: [OnceLock<CapTable>; MAX_CAPS + 1] = [const { OnceLock::new() }; MAX_CAPS + 1];
    match TABLES.get(len) {
        Some(table) => table.get_or_init(|| CapTable::new(&NUMBERED[..len])),
        None => &ANY_CAP,
    }
}

static NUMBERED: [CapInfo; MAX_CAPS] = {
    let mut table = [numbered(0); MAX_CAPS];
    let mut number = 0;
    while number < MAX_CAPS {
        table[number] = numbered(number as u16);
        number += 1;
    }
    table
};

const fn numbered(number: u16) -> CapInfo {
    CapInfo::new(Cap::new(number, true), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_numbers_by_the_order_of_lines() {
        let text = "# SPDX\n\nBTI\n# a comment\nHAS_LSE_ATOMICS # another\n";
        let names = CapNames::from_linux(text).unwrap();
        assert_eq!(names.len(), 2);
        assert_eq!(names.label(1), "HAS_LSE_ATOMICS");
        assert_eq!(names.label(2), "cap 2");
        assert_eq!(names.number("BTI"), Some(0));
        assert_eq!(names.number("17"), Some(17));
        assert_eq!(names.number("LSE"), None);
    }

    #[test]
    fn the_header_of_linux_has_numbers() {
        let text = "/* SPDX */\n#ifndef __ASM_CPUCAPS_H\n#define __ASM_CPUCAPS_H\n\n\
            #define ARM64_HAS_ARMv8_4_TTL\t\t2\n#define ARM64_BTI 0\n\
            #define ARM64_NCAPS\t3\n#endif\n";
        let names = CapNames::from_linux(text).unwrap();
        assert_eq!(names.len(), 3);
        let all: Vec<&str> = names.iter().collect();
        assert_eq!(all, ["BTI", "UNNAMED_1", "HAS_ARMv8_4_TTL"]);
        assert_eq!(names.number("HAS_ARMv8_4_TTL"), Some(2));
    }

    #[test]
    fn what_is_no_list_of_linux_is_refused() {
        let refused = |text: &str| CapNames::from_linux(text).unwrap_err();
        let (line, text) = (2, "[LSE]".into());
        assert_eq!(refused("A\n[LSE]\n"), NamesError::NotAName { line, text });
        let text = "17".into();
        assert_eq!(refused("A\n17\n"), NamesError::NotAName { line, text });
        let header =
            "/* SPDX */\n\n#ifndef __ASM_CPUCAPS_H\n#include <asm/cpucap-defs.h>\n#endif\n";
        assert_eq!(refused(header), NamesError::WithoutNumbers);
        let name = "A".into();
        assert_eq!(refused("A\nA\n"), NamesError::Twice { line, name });
        assert_eq!(refused("#define ARM64_NCAPS 2\n"), NamesError::Empty);
        assert_eq!(refused("#define BTI 2\n"), NamesError::Empty);
        let header = "#define ARM64_A 1\n#define ARM64_B 1\n";
        let (line, name) = (2, "B".into());
        assert_eq!(refused(header), NamesError::Twice { line, name });
        let header = "#define ARM64_A 256\n";
        assert_eq!(refused(header), NamesError::TooMany(257));
        let many: String = (0..257).map(|n| format!("CAP_{n}\n")).collect();
        assert_eq!(refused(&many), NamesError::TooMany(257));
    }

    #[test]
    fn a_name_that_is_nearly_right_finds_the_right_one() {
        let few = CapNames::from_linux("BTI\nHAS_LSE_ATOMICS\nHAS_PAN\n").unwrap();
        assert_eq!(
            few.offered("lse"),
            "there are HAS_LSE_ATOMICS, HAS_PAN, BTI"
        );
        let more: String = (0..9).map(|n| format!("CAP_{n}\n")).collect();
        let more = CapNames::from_linux(&format!("{more}HAS_PAN\n")).unwrap();
        let said = more.offered("HAS_PAM");
        assert!(
            said.starts_with("of 10, the nearest are HAS_PAN, "),
            "{said}"
        );
        assert_eq!(said.split(", ").count(), 6);
        assert_eq!(CapNames::default().offered("LSE"), "there are no cpucaps");
    }
}
