//! Log lines of the guest whose form is fixed.

mod hyp;

pub use hyp::Hyp;

use crate::LogLine;

/// One log line, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact<'a> {
    /// `cpu midr=0x414fd0b1`
    Cpu {
        /// MIDR_EL1 of the boot CPU.
        midr: u64,
    },
    /// `idreg ID_AA64ISAR0_EL1=0x0000100010211120`
    IdReg {
        /// Architectural name.
        name: &'a str,
        /// Its value, as used for detection.
        value: u64,
    },
    /// `cap <number> <NAME> <boot|system|local> <yes|no> <evidence>`
    Cap(Cap<'a>),
    /// `count <NAME> sites=<n> patched=<n>`
    Count {
        /// The cpucap.
        name: &'a str,
        /// Number of sites that depend on it.
        sites: u32,
        /// Number of those that were patched.
        patched: u32,
    },
    /// `check <before|after> <name> ok`, or `FAILED <details>` instead of `ok`
    Check(Check<'a>),
    /// `wxorx ok <text>`, or another word instead of `ok`
    Wxorx {
        /// Whether a write to the text faulted.
        ok: bool,
        /// Details.
        text: &'a str,
    },
    /// `report <text>`
    Report(&'a str),
    /// `patch-error <text>`
    PatchError(&'a str),
    /// `hyp <text>`: a line about the hypervisor.
    Hyp(Hyp<'a>),
    /// Any other line.
    Words(&'a str),
}

/// The detection of a cpucap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap<'a> {
    /// Its number, as in the records.
    pub number: u16,
    /// Its name.
    pub name: &'a str,
    /// `boot`, `system` or `local`.
    pub scope: &'a str,
    /// Whether the CPU has it.
    pub present: bool,
    /// The evidence: `ID_AA64ISAR0_EL1.ATOMIC=2`.
    pub evidence: &'a str,
}

/// A check that the guest made of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check<'a> {
    /// `before` or `after` patching.
    pub phase: &'a str,
    /// The name of the check.
    pub name: &'a str,
    /// Details of the failure; `None` when it passed.
    pub failure: Option<&'a str>,
}

/// All lines of a log, parsed, in order.
pub fn read(log: &[LogLine]) -> impl Iterator<Item = Fact<'_>> {
    log.iter().map(|line| Fact::parse(&line.message))
}

impl<'a> Fact<'a> {
    /// Parses one message. A message that almost has a fixed form becomes [`Fact::Words`], so a
    /// test that needs the fact fails.
    pub fn parse(message: &'a str) -> Self {
        let (keyword, rest) = message.split_once(' ').unwrap_or((message, ""));
        let fact = match keyword {
            "cpu" => value(rest, "midr=").map(|midr| Self::Cpu { midr }),
            "idreg" => id_reg(rest),
            "cap" => cap(rest).map(Self::Cap),
            "count" => count(rest),
            "check" => check(rest).map(Self::Check),
            "wxorx" => {
                let (verdict, text) = rest.split_once(' ').unwrap_or((rest, ""));
                Some(Self::Wxorx {
                    ok: verdict == "ok",
                    text,
                })
            }
            "report" => Some(Self::Report(rest)),
            "patch-error" => Some(Self::PatchError(rest)),
            "hyp" => Hyp::parse(rest).map(Self::Hyp),
            _ => None,
        };
        fact.unwrap_or(Self::Words(message))
    }
}

/// A hexadecimal number after its key.
fn value(text: &str, key: &str) -> Option<u64> {
    let digits = text.strip_prefix(key)?.strip_prefix("0x")?;
    u64::from_str_radix(digits, 16).ok()
}

fn id_reg(text: &str) -> Option<Fact<'_>> {
    let (name, value) = text.split_once('=')?;
    let value = self::value(value, "")?;
    Some(Fact::IdReg { name, value })
}

fn cap(text: &str) -> Option<Cap<'_>> {
    let mut words = text.splitn(5, ' ');
    Some(Cap {
        number: words.next()?.parse().ok()?,
        name: words.next()?,
        scope: words.next()?,
        present: match words.next()? {
            "yes" => true,
            "no" => false,
            _ => return None,
        },
        evidence: words.next().unwrap_or_default(),
    })
}

fn count(text: &str) -> Option<Fact<'_>> {
    let mut words = text.split(' ');
    Some(Fact::Count {
        name: words.next()?,
        sites: words.next()?.strip_prefix("sites=")?.parse().ok()?,
        patched: words.next()?.strip_prefix("patched=")?.parse().ok()?,
    })
}

fn check(text: &str) -> Option<Check<'_>> {
    let mut words = text.splitn(4, ' ');
    Some(Check {
        phase: words.next()?,
        name: words.next()?,
        failure: match words.next()? {
            "ok" => None,
            "FAILED" => Some(words.next().unwrap_or_default()),
            _ => return None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_understood() {
        let cap = |present, evidence| {
            Fact::Cap(Cap {
                number: 3,
                name: "HAS_LSE_ATOMICS",
                scope: "system",
                present,
                evidence,
            })
        };
        let check = |phase, name, failure| {
            Fact::Check(Check {
                phase,
                name,
                failure,
            })
        };
        let known = [
            ("cpu midr=0x414fd0b1", Fact::Cpu { midr: 0x414f_d0b1 }),
            (
                "idreg ID_AA64ISAR0_EL1=0x0000100010211120",
                Fact::IdReg {
                    name: "ID_AA64ISAR0_EL1",
                    value: 0x1000_1021_1120,
                },
            ),
            (
                "cap 3 HAS_LSE_ATOMICS system yes ID_AA64ISAR0_EL1.Atomic=2 (min 2)",
                cap(true, "ID_AA64ISAR0_EL1.Atomic=2 (min 2)"),
            ),
            ("cap 3 HAS_LSE_ATOMICS system no", cap(false, "")),
            (
                "count HAS_LSE_ATOMICS sites=12 patched=7",
                Fact::Count {
                    name: "HAS_LSE_ATOMICS",
                    sites: 12,
                    patched: 7,
                },
            ),
            ("check before atomics ok", check("before", "atomics", None)),
            (
                "check after crc32 FAILED got 1, want 2",
                check("after", "crc32", Some("got 1, want 2")),
            ),
            (
                "check after crc32 FAILED",
                check("after", "crc32", Some("")),
            ),
            (
                "wxorx ok store to 0x40200000 faulted",
                Fact::Wxorx {
                    ok: true,
                    text: "store to 0x40200000 faulted",
                },
            ),
            (
                "wxorx FAILED no fault",
                Fact::Wxorx {
                    ok: false,
                    text: "no fault",
                },
            ),
            (
                "report branches=3 lines=2",
                Fact::Report("branches=3 lines=2"),
            ),
            ("patch-error overlap", Fact::PatchError("overlap")),
            ("hello from EL1", Fact::Words("hello from EL1")),
        ];
        for (message, fact) in known {
            assert_eq!(Fact::parse(message), fact, "{message}");
        }
    }

    #[test]
    fn near_misses_are_words() {
        for message in [
            "cpu midr=414fd0b1",
            "idreg ID_AA64ISAR0_EL1",
            "cap three HAS_LSE_ATOMICS system yes",
            "cap 3 HAS_LSE_ATOMICS system maybe",
            "count HAS_LSE_ATOMICS sites=x patched=7",
            "check before atomics",
            "check before atomics fine",
        ] {
            assert_eq!(Fact::parse(message), Fact::Words(message));
        }
    }
}
