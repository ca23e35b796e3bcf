//! Findings of the lints.

use std::fmt;

use crate::namespace::AllowKind;

/// A place in the linked code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The place: `function+0x10`.
    pub place: String,
    /// The file from which it comes, if that is known: `libhyp.a(entry.o)`.
    pub file: Option<String>,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)?;
        match &self.file {
            Some(file) => write!(f, " of {file}"),
            None => Ok(()),
        }
    }
}

/// How code refers to a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// As the callback of a record.
    Record,
    /// By B, BL or a conditional branch.
    Branch,
    /// Its address is computed.
    Address,
    /// By a load or store relative to its address.
    Access,
    /// By a pointer in data.
    Pointer,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Record => "a record names it as a callback",
            Self::Branch => "it is branched to",
            Self::Address => "its address is taken",
            Self::Access => "it is loaded from or stored to",
            Self::Pointer => "a pointer in data holds its address",
        })
    }
}

/// A violation of a rule. Its text has one or more lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A loaded section that no pattern matches.
    #[error("orphan section {section}{}", of(file))]
    Orphan {
        /// Its name.
        section: String,
        /// The file that it is in.
        file: Option<String>,
    },
    /// The section `alt_callbacks`.
    #[error("alt_callbacks{}", of(file))]
    Callbacks {
        /// The file that it is in.
        file: Option<String>,
    },
    /// A pattern of the manifest that matches no section.
    #[error("{pattern}, for {output}: {}", behind(by))]
    DeadPattern {
        /// The pattern.
        pattern: String,
        /// The section that it is for.
        output: String,
        /// An earlier pattern that matches all sections of this one, if there is one.
        by: Option<String>,
    },
    /// A section whose contents need other permissions than its name implies.
    #[error("{section} would be {found}: {input}{}", of(file))]
    Rights {
        /// The section of the namespace.
        section: String,
        /// The wrong permission.
        found: &'static str,
        /// The input section that needs it.
        input: String,
        /// The file that it is in.
        file: Option<String>,
    },
    /// Relocations without explicit addends.
    #[error("section {section} of {file}")]
    Rel {
        /// The section of type SHT_REL.
        section: String,
        /// The file that it is in.
        file: String,
    },
    /// A relocation beyond the end of its section.
    #[error("{section}+{offset:#x} of {file}: {section} has {size:#x} bytes")]
    PastEnd {
        /// The section.
        section: String,
        /// The offset of the relocation, in bytes.
        offset: u64,
        /// The size of the section in bytes.
        size: u64,
        /// The file.
        file: String,
    },
    /// A relocation that depends on the address at which the code runs, and cannot be fixed.
    #[error("{kind} at {site}: {why}")]
    Relocation {
        /// The name of its type.
        kind: String,
        /// The place.
        site: Site,
        /// The reason.
        why: &'static str,
    },
    /// A pointer that is not aligned to 8 bytes.
    #[error("{0}")]
    Unaligned(Site),
    /// Sites in more than one section of code.
    #[error("{table}: {site} is in {found}, others are in {linked}")]
    SitesApart {
        /// The table of records.
        table: String,
        /// A site.
        site: Site,
        /// The section that it is in.
        found: String,
        /// The section that the table belongs to.
        linked: String,
    },
    /// A symbol that is neither defined in the object nor allowed.
    #[error("{}", Undeclared(symbol, site, path))]
    Undeclared {
        /// The symbol.
        symbol: String,
        /// A place that refers to it.
        site: Site,
        /// The path from an export to it, as demangled names.
        path: Vec<String>,
    },
    /// A use of a kernel symbol that its kind does not allow.
    #[error("{symbol} is {kind}, but {used} at {site}")]
    Kind {
        /// The symbol.
        symbol: String,
        /// Its kind in the manifest.
        kind: AllowKind,
        /// The use.
        used: Use,
        /// The place.
        site: Site,
    },
    /// A symbol to which only instrumented code refers.
    #[error("{}: {}", what, Undeclared(symbol, site, path))]
    Instrumented {
        /// The kind of instrumentation.
        what: &'static str,
        /// The symbol.
        symbol: String,
        /// A place that refers to it.
        site: Site,
        /// The path from an export to it, as demangled names.
        path: Vec<String>,
    },
    /// A section that only instrumented code has.
    #[error("{what}: section {section}{}", of(file))]
    InstrumentedSection {
        /// The kind of instrumentation.
        what: &'static str,
        /// The section.
        section: String,
        /// The file that it is in.
        file: Option<String>,
    },
    /// A function that uses a shadow call stack.
    #[error("{0}")]
    ShadowStack(
        /// The first instruction that uses it.
        Site,
    ),
    /// An export without a definition.
    #[error("{name}{}", meant(near))]
    NoExport {
        /// Its name.
        name: String,
        /// A symbol with a similar name.
        near: Option<String>,
    },
    /// A symbol whose name contains the namespace already.
    #[error("{0}")]
    AlreadyNamed(
        /// The symbol.
        String,
    ),
    /// A common symbol, which has no section yet.
    #[error("{0}")]
    Common(
        /// The symbol.
        String,
    ),
}

impl Refusal {
    /// The heading for findings of this kind, and the advice.
    pub(super) fn rule(&self) -> [&'static str; 2] {
        match self {
            Self::Orphan { .. } => [
                "sections that no pattern takes",
                "place them under [sections] of the manifest, or compile without what makes them",
            ],
            Self::Callbacks { .. } => [
                "a hypervisor cannot define callbacks: they run in the kernel",
                "define them in the kernel, with `callback!`, and allow them: NAME = \"callback\"",
            ],
            Self::DeadPattern { .. } => [
                "dead patterns in [sections] of the manifest",
                "correct or remove them, or put the specific one before the catch-all",
            ],
            Self::Rights { .. } => [
                "sections with other rights than their names say",
                "give them a section of their own under [sections] of the manifest",
            ],
            Self::Rel { .. } => [
                "relocations of type SHT_REL, which arm64 does not use",
                "compile without what makes them: -fprofile-use and -fprofile-sample-use do",
            ],
            Self::PastEnd { .. } => [
                "relocations behind the end of their section",
                "the object is damaged: make it anew",
            ],
            Self::Relocation { .. } => [
                "relocations that cannot be right at the hypervisor's address",
                "use PC-relative addresses (adrp and add; -C relocation-model=static), and keep \
                 absolute pointers in data",
            ],
            Self::Unaligned(_) => [
                "pointers that are not aligned to 8 bytes",
                "align them: what fixes them at boot writes them as a whole",
            ],
            Self::SitesApart { .. } => [
                "sites in more than one section of code",
                "put code with sites into one section: the linker sorts their records by one",
            ],
            Self::Undeclared { .. } => [
                "symbols that are not the hypervisor's own, and that its manifest does not allow",
                "keep the code that leads there out of the hypervisor, or add the symbol under \
                 [allow] of the manifest, with what may be done with it",
            ],
            Self::Kind { .. } => [
                "symbols of the kernel that are used otherwise than the manifest says",
                "a callback is only named by records; data and bounds are reached by adrp; a \
                 function is only returned to, by ERET",
            ],
            Self::Instrumented { .. } | Self::InstrumentedSection { .. } => [
                "instrumented code, which calls the kernel or writes its data",
                "compile the hypervisor, and all that goes into it, without instrumentation",
            ],
            Self::ShadowStack(_) => [
                "functions with a shadow call stack, whose pointer, x18, is the kernel's",
                "compile the hypervisor without -fsanitize=shadow-call-stack",
            ],
            Self::NoExport { .. } => [
                "exports that nothing defines",
                "correct the name in `exports` of the manifest, or define it: #[unsafe(no_mangle)]",
            ],
            Self::AlreadyNamed(_) => [
                "symbols that have the namespace in their names already",
                "name them without: the link adds it, and what was linked is not linked again",
            ],
            Self::Common(_) => [
                "common symbols, which only the last link gives a place",
                "compile with -fno-common",
            ],
        }
    }
}

/// All findings; the text groups them by rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusals(
    /// In the order in which they were found.
    pub Vec<Refusal>,
);

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rules: Vec<[&str; 2]> = Vec::new();
        for refusal in &self.0 {
            if !rules.contains(&refusal.rule()) {
                rules.push(refusal.rule());
            }
        }
        for (index, rule) in rules.into_iter().enumerate() {
            let [what, advice] = rule;
            let gap = if index == 0 { "" } else { "\n\n" };
            write!(f, "{gap}{what}:")?;
            for refusal in self.0.iter().filter(|refusal| refusal.rule() == rule) {
                write!(f, "\n  {refusal}")?;
            }
            write!(f, "\n  help: {advice}")?;
        }
        Ok(())
    }
}

/// A symbol with the path to it.
struct Undeclared<'a>(&'a str, &'a Site, &'a [String]);

impl fmt::Display for Undeclared<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(symbol, site, path) = self;
        write!(f, "{symbol}\n    at: {site}")?;
        for (index, step) in path.iter().enumerate() {
            let word = if index == 0 { "from:" } else { "  to:" };
            write!(f, "\n    {word} {step}")?;
        }
        Ok(())
    }
}

fn of(file: &Option<String>) -> String {
    let file = file.as_ref();
    file.map_or_else(String::new, |file| format!(" of {file}"))
}

fn behind(by: &Option<String>) -> String {
    match by {
        Some(by) => format!("`{by}`, which comes first, takes all of it"),
        None => "it matches no section".to_owned(),
    }
}

fn meant(near: &Option<String>) -> String {
    let near = near.as_ref();
    near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"))
}
