//! The lints for code of another exception level, run on the object of the partial link.

mod allow;
mod instrumentation;
mod relocations;
mod sections;
mod symbols;

use std::collections::BTreeSet;

use alt_diagnostic::{Diagnostic, Location};

use super::graph::Graph;
use super::inputs::Inputs;
use super::object::LinkedObject;
use super::script::Layout;
use crate::map::Placed;
use crate::namespace::Manifest;
use crate::namespace::Name;

/// The data that all lints use.
pub(super) struct LintContext<'a> {
    pub name: &'a Name,
    pub manifest: &'a Manifest,
    pub layout: &'a Layout,
    /// The inputs of the link.
    pub inputs: &'a Inputs<'a>,
    /// Where the linker placed each input section.
    pub placed: &'a [Placed],
    pub object: &'a LinkedObject<'a>,
    pub graph: &'a Graph<'a>,
}

impl LintContext<'_> {
    /// Runs all lints.
    pub fn check(&self) -> Vec<Diagnostic> {
        let lints: [fn(&LintContext<'_>, &mut Vec<Diagnostic>); 10] = [
            symbols::exports,
            symbols::names,
            instrumentation::sections,
            instrumentation::shadow_stack,
            sections::orphans,
            sections::dead_patterns,
            sections::rights,
            relocations::kinds,
            relocations::sites,
            allow::undefined,
        ];
        let mut found = Vec::new();
        for lint in lints {
            lint(self, &mut found);
        }
        found
    }

    /// A place in the object: `function+0x10`, and the file.
    fn place(&self, section: usize, offset: u64) -> Location {
        Location::Part {
            name: self.graph.name_of(self.object, section, offset),
            file: self.graph.file(section, offset).map(str::to_owned),
        }
    }

    /// A section of the object, once for each file from which it comes; once without a file if they
    /// are unknown.
    fn sections(&self, section: &str) -> Vec<Location> {
        let placed = self.placed.iter().filter(|placed| placed.output == section);
        let mut files: BTreeSet<_> = placed
            .map(|placed| Some(placed.file_name().to_owned()))
            .collect();
        if files.is_empty() {
            files.insert(None);
        }
        let place = |file| Location::Part {
            name: section.to_owned(),
            file,
        };
        files.into_iter().map(place).collect()
    }
}
