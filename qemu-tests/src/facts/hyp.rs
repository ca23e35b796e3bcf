//! The kernel's log lines about its hypervisor, which begin with `hyp`.

use super::value;

/// One such line, parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hyp<'a> {
    /// `hyp none (<reason>)`
    None(&'a str),
    /// `hyp variant=<name> va=<hex> pa=<hex> tag=<hex> e2h=<0|1>`
    Variant {
        /// `nvhe` or `vhe`.
        name: &'a str,
        /// Virtual address of its text at EL2.
        va: u64,
        /// Address of its text in memory and in the image.
        pa: u64,
        /// The tag in its addresses.
        tag: u64,
        /// HCR_EL2.E2H.
        e2h: bool,
    },
    /// `hyp pointers=<n> fixed`
    Pointers(u32),
    /// `hyp sites=<n> patched=<n>`
    Sites {
        /// Number of sites in its text.
        sites: u32,
        /// Number of those that were patched.
        patched: u32,
    },
    /// `hyp service <name> ok`, or `FAILED <details>` instead of `ok`
    Service {
        /// The service.
        name: &'a str,
        /// Details of the failure; `None` if its result is that of its model.
        failure: Option<&'a str>,
    },
    /// `hyp register <NAME>=<hex>`
    Register {
        /// Its architectural name.
        name: &'a str,
        /// Its value at EL2.
        value: u64,
    },
    /// `hyp round-trips=<n> ok <text>`
    RoundTrips(u32),
    /// `hyp shadow-call-stack ok frames=<n>`
    ShadowCallStack(u32),
    /// `hyp protected ok <text>`
    Protected(&'a str),
    /// `hyp freed <variant> bytes=<n>`
    Freed {
        /// `nvhe` or `vhe`.
        variant: &'a str,
        /// Its size in bytes.
        bytes: u32,
    },
}

impl<'a> Hyp<'a> {
    /// Parses the text after `hyp `.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let words: Vec<_> = text.split(' ').collect();
        match words[..] {
            ["none", ..] => Some(Self::None(text.strip_prefix("none ")?)),
            [name, va, pa, tag, e2h] if name.starts_with("variant=") => Some(Self::Variant {
                name: name.strip_prefix("variant=")?,
                va: value(va, "va=")?,
                pa: value(pa, "pa=")?,
                tag: value(tag, "tag=")?,
                e2h: match e2h.strip_prefix("e2h=")? {
                    "0" => false,
                    "1" => true,
                    _ => return None,
                },
            }),
            [pointers, "fixed"] => Some(Self::Pointers(count(pointers, "pointers=")?)),
            [sites, patched] if sites.starts_with("sites=") => Some(Self::Sites {
                sites: count(sites, "sites=")?,
                patched: count(patched, "patched=")?,
            }),
            ["service", name, "ok"] => Some(Self::Service {
                name,
                failure: None,
            }),
            ["service", name, "FAILED", ..] => Some(Self::Service {
                name,
                failure: Some(text.split_once("FAILED")?.1.trim_start()),
            }),
            ["register", register] => {
                let (name, digits) = register.split_once('=')?;
                let value = value(digits, "")?;
                Some(Self::Register { name, value })
            }
            ["shadow-call-stack", "ok", frames] => {
                Some(Self::ShadowCallStack(count(frames, "frames=")?))
            }
            ["protected", "ok", ..] => Some(Self::Protected(text.strip_prefix("protected ok ")?)),
            ["freed", variant, bytes] => Some(Self::Freed {
                variant,
                bytes: count(bytes, "bytes=")?,
            }),
            [trips, "ok", ..] => Some(Self::RoundTrips(count(trips, "round-trips=")?)),
            _ => None,
        }
    }
}

fn count(text: &str, key: &str) -> Option<u32> {
    text.strip_prefix(key)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fact;

    #[test]
    fn every_form_is_understood() {
        let service = |name, failure| Hyp::Service { name, failure };
        for (message, hyp) in [
            ("hyp none (entered at EL1)", Hyp::None("(entered at EL1)")),
            (
                "hyp variant=vhe va=0x3e0040243000 pa=0x40243000 tag=0x7c e2h=1",
                Hyp::Variant {
                    name: "vhe",
                    va: 0x3e00_4024_3000,
                    pa: 0x4024_3000,
                    tag: 0x7c,
                    e2h: true,
                },
            ),
            ("hyp pointers=21 fixed", Hyp::Pointers(21)),
            (
                "hyp sites=15 patched=8",
                Hyp::Sites {
                    sites: 15,
                    patched: 8,
                },
            ),
            ("hyp service caps ok", service("caps", None)),
            (
                "hyp service caps FAILED got 1, not 2",
                service("caps", Some("got 1, not 2")),
            ),
            ("hyp service caps FAILED", service("caps", Some(""))),
            (
                "hyp register HCR_EL2=0x80000000",
                Hyp::Register {
                    name: "HCR_EL2",
                    value: 0x8000_0000,
                },
            ),
            (
                "hyp round-trips=100000 ok x18-x30 kept",
                Hyp::RoundTrips(100_000),
            ),
            (
                "hyp shadow-call-stack ok frames=6500",
                Hyp::ShadowCallStack(6500),
            ),
            (
                "hyp protected ok writing it faults",
                Hyp::Protected("writing it faults"),
            ),
            (
                "hyp freed nvhe bytes=16384",
                Hyp::Freed {
                    variant: "nvhe",
                    bytes: 16384,
                },
            ),
        ] {
            assert_eq!(Fact::parse(message), Fact::Hyp(hyp), "{message}");
        }
    }

    #[test]
    fn near_misses_are_words() {
        for message in [
            "hyp",
            "hyp none",
            "hyp variant=vhe va=3e0040243000 pa=0x40243000 tag=0x7c e2h=1",
            "hyp variant=vhe va=0x3e0040243000 pa=0x40243000 tag=0x7c e2h=2",
            "hyp pointers=x fixed",
            "hyp sites=15",
            "hyp service caps",
            "hyp service caps fine",
            "hyp register HCR_EL2",
            "hyp register HCR_EL2=80000000",
            "hyp round-trips=100000",
            "hyp shadow-call-stack ok",
            "hyp freed nvhe",
        ] {
            assert_eq!(Fact::parse(message), Fact::Words(message));
        }
    }
}
