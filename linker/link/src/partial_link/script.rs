//! The linker script of the partial link.

use std::fmt::Write as _;

use alt_runtime::record::{AlternativeRecord, BranchRecord, Section};

use crate::namespace::Manifest;
use crate::namespace::Name;
use crate::namespace::Pattern;

/// The alignment of each section of a namespace, and what its size is a multiple of, in bytes:
/// nothing else ever shares a page with it.
pub const PAGE: u64 = 4096;

/// The table of alternatives; its records name their sites first, and then what comes there.
pub(super) const RECORDS: &str = Section::Alternatives.name();

/// The table of branches; its records name their sites first.
pub(super) const BRANCHES: &str = Section::Branches.name();

/// The tables of sites: they keep their names, so that they become part of the kernel's.
pub(super) const TABLES: [&str; 4] = [
    BRANCHES,
    RECORDS,
    Section::Replacements.name(),
    Section::PlanSize.name(),
];

/// The size in bytes of the records of a table; none for a section that is no such table.
pub(super) fn record_size(section: &str) -> Option<u64> {
    match section {
        BRANCHES => Some(size_of::<BranchRecord>() as u64),
        RECORDS => Some(size_of::<AlternativeRecord>() as u64),
        _ => None,
    }
}

/// Where what compilers make goes, as always.
const USUAL: [(&str, [&str; 2]); 4] = [
    (".text", [".text", ".text.*"]),
    (".rodata", [".rodata", ".rodata.*"]),
    (".data", [".data", ".data.*"]),
    (".bss", [".bss", ".bss.*"]),
];

/// What is of no use to a hypervisor: unwinding, notes for programs, and what only an LLVM reads.
const DISCARDED: &str = ".eh_frame .note .note.* .llvmbc .llvmcmd .llvm_addrsig";

/// A section of the namespace, and what goes into it.
#[derive(Clone, Debug)]
pub(super) struct Output {
    /// Without the namespace.
    pub name: String,
    /// In the order in which they are tried.
    pub patterns: Vec<Pattern>,
    /// How many of them are the manifest's.
    pub own: usize,
}

/// The sections of a namespace, in the order in which their patterns are tried.
#[derive(Clone, Debug)]
pub(super) struct Layout(pub Vec<Output>);

impl Layout {
    pub fn new(manifest: &Manifest) -> Self {
        let own = manifest.sections.iter().map(|section| Output {
            name: section.name.clone(),
            patterns: section.patterns.clone(),
            own: section.patterns.len(),
        });
        let mut outputs: Vec<Output> = own.collect();
        let mut rest = Vec::new();
        for (name, patterns) in USUAL {
            let patterns = patterns.into_iter().filter_map(Pattern::new);
            match outputs.iter_mut().find(|output| output.name == name) {
                Some(output) => output.patterns.extend(patterns),
                None => rest.push(Output {
                    name: name.to_owned(),
                    patterns: patterns.collect(),
                    own: 0,
                }),
            }
        }
        // Those with usual patterns, too, come after those that have only their own.
        outputs.sort_by_key(|output| output.patterns.len() > output.own);
        outputs.extend(rest);
        Self(outputs)
    }

    /// The pattern that a section of an object goes by.
    pub fn takes(&self, section: &str) -> Option<&Pattern> {
        let mut patterns = self.0.iter().flat_map(|output| &output.patterns);
        patterns.find(|pattern| pattern.matches(section))
    }

    /// The whole script.
    pub fn script(&self, name: &Name) -> String {
        let mut text = format!("/* Generated: the partial link of {name}. */\nSECTIONS {{\n");
        for output in &self.0 {
            let patterns: Vec<_> = output.patterns.iter().map(Pattern::as_str).collect();
            let section = name.section(&output.name);
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "  {section} 0 : ALIGN({PAGE}) {{ *({}) . = ALIGN({PAGE}); }}",
                patterns.join(" ")
            );
        }
        for table in TABLES {
            let _ = writeln!(text, "  {table} 0 : {{ *({table}) }}");
        }
        text + "  /DISCARD/ : { *(" + DISCARDED + ") }\n}\n"
    }
}

/// What is in the sections with usual names, so that their bounds can be told even when they
/// are empty: name, and whether they are code, writable, and without bytes in the file.
pub(super) const ALWAYS: [(&str, [bool; 3]); 4] = [
    (".text", [true, false, false]),
    (".rodata", [false, false, false]),
    (".data", [false, true, false]),
    (".bss", [false, true, true]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_patterns_come_before_the_usual_ones() {
        let manifest = Manifest::parse(
            "hyp.toml",
            "exports = [\"init\"]\n[sections]\n\".rodata\" = [\".keys\"]\n\
             \".data.percpu\" = [\".data..percpu\", \".data..percpu.*\"]\n",
        );
        let layout = Layout::new(&manifest.unwrap());
        let script = layout.script(&Name::new("hyp").unwrap());
        let sections: Vec<_> = script
            .lines()
            .filter(|line| line.contains("ALIGN"))
            .collect();
        assert_eq!(
            sections,
            [
                "  .hyp.data.percpu 0 : ALIGN(4096) { *(.data..percpu .data..percpu.*) . = ALIGN(4096); }",
                "  .hyp.rodata 0 : ALIGN(4096) { *(.keys .rodata .rodata.*) . = ALIGN(4096); }",
                "  .hyp.text 0 : ALIGN(4096) { *(.text .text.*) . = ALIGN(4096); }",
                "  .hyp.data 0 : ALIGN(4096) { *(.data .data.*) . = ALIGN(4096); }",
                "  .hyp.bss 0 : ALIGN(4096) { *(.bss .bss.*) . = ALIGN(4096); }",
            ]
        );
        let taken = layout.takes(".data..percpu.x").map(Pattern::as_str);
        assert_eq!(taken, Some(".data..percpu.*"));
        assert_eq!(layout.takes(".init_array"), None);
    }
}
