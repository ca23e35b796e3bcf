//! The linker script of the partial link.

use std::fmt::Write as _;

use alt_runtime::record::{AlternativeRecord, BranchRecord, Section};

use crate::namespace::Manifest;
use crate::namespace::Name;
use crate::namespace::Pattern;

/// The alignment of each section of a namespace, in bytes. Its size is a multiple of this, so that
/// nothing else shares a page with it.
pub const PAGE: u64 = 4096;

/// The table of alternatives; a record refers to its site first, then to its replacement.
pub(super) const RECORDS: &str = Section::Alternatives.name();

/// The table of branches; a record refers to its site first.
pub(super) const BRANCHES: &str = Section::Branches.name();

/// The tables of sites: they keep their names, so that they become part of the kernel's tables.
pub(super) const TABLES: [&str; 4] = [
    BRANCHES,
    RECORDS,
    Section::Replacements.name(),
    Section::PlanSize.name(),
];

/// The size of the records of a table in bytes; `None` if the section is not a table of records.
pub(super) fn record_size(section: &str) -> Option<u64> {
    match section {
        BRANCHES => Some(size_of::<BranchRecord>() as u64),
        RECORDS => Some(size_of::<AlternativeRecord>() as u64),
        _ => None,
    }
}

/// The usual patterns for the sections that compilers emit.
const USUAL: [(&str, [&str; 2]); 4] = [
    (".text", [".text", ".text.*"]),
    (".rodata", [".rodata", ".rodata.*"]),
    (".data", [".data", ".data.*"]),
    (".bss", [".bss", ".bss.*"]),
];

/// Sections that a hypervisor does not need: unwind tables, notes, data for LLVM, and debug
/// information in a form that linkers no longer read.
const DISCARDED: &str = ".eh_frame .note .note.* .llvmbc .llvmcmd .llvm_addrsig .zdebug_*";

/// The note that states whether all code has landing pads (BTI) and signs its return addresses. The
/// linker writes it if all inputs have it, and the link of the kernel needs it for that of the image
/// (ELF for the Arm 64-bit Architecture, 6.2).
pub(super) const PROPERTIES: &str = ".note.gnu.property";

/// A section of the namespace, and the patterns of its inputs.
#[derive(Clone, Debug)]
pub(super) struct Output {
    /// The name without the namespace.
    pub name: String,
    /// In the order in which they are matched.
    pub patterns: Vec<Pattern>,
    /// The number of patterns from the manifest; they are first.
    pub own: usize,
}

/// The sections of a namespace, in the order in which their patterns are matched.
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
        // Sections that also have usual patterns come after those with patterns of the manifest only.
        outputs.sort_by_key(|output| output.patterns.len() > output.own);
        outputs.extend(rest);
        Self(outputs)
    }

    /// The first pattern that matches a section of an object.
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
        let _ = writeln!(text, "  {PROPERTIES} 0 : {{ *({PROPERTIES}) }}");
        text + "  /DISCARD/ : { *(" + DISCARDED + ") }\n}\n"
    }
}

/// The sections that every namespace has, so that their bounds exist even if they are empty: name,
/// and whether they are code, writable, and `SHT_NOBITS`.
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
