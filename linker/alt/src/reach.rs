//! The command `alt reach`.

use std::io::{self, Write};
use std::path::PathBuf;

use alt_image::{disasm, style};
use alt_linker::branch_range::{self, Allow, Group, NotChecked, Options, Report};
use clap::Args;
use serde::Serialize;

use crate::finding::{self, ReachFinding};
use crate::output::{self, Outcome};

/// Checks, before the final link, whether the targets of instructions of short range are in range.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Reach {
    /// The inputs of the link: objects, archives, rlibs
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// A kind of finding to suppress: other-section, too-far, group-too-large, joined-tables; all
    /// findings of the kind, or those about one symbol. May be given several times
    #[arg(long, value_name = "KIND[:SYMBOL]")]
    allow: Vec<Allow>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  alt reach entry.o libkernel.a
  alt reach target/aarch64-unknown-none/release/deps/*.rlib

To check every final link of a build, make alt-ld the linker: docs/reach.md.

Exit status: 0 no findings, 1 findings, 2 an input cannot be read, or none can be checked.";

/// The output of `--json`.
#[derive(Serialize)]
struct Document<'a> {
    /// Incremented when a field is removed or changes its meaning.
    version: u32,
    objects: usize,
    references: usize,
    not_checked: Vec<&'a str>,
    groups: Vec<GroupView<'a>>,
    findings: Vec<ReachFinding<'a>>,
}

/// A keep-together group.
#[derive(Serialize)]
struct GroupView<'a> {
    name: &'a str,
    sections: usize,
    size: u64,
}

impl<'a> From<&'a Group> for GroupView<'a> {
    fn from(group: &'a Group) -> Self {
        Self {
            name: &group.name,
            sections: group.sections,
            size: group.size,
        }
    }
}

impl Reach {
    pub fn run(&self) -> Outcome {
        let options = Options {
            allow: self.allow.clone(),
            before_target: Some(disasm::before_target),
        };
        let report = branch_range::check(&self.inputs, &options)?;
        if report.objects == 0 && !report.not_checked.is_empty() {
            return Err(nothing(&report).into());
        }
        let not_checked: Vec<_> = report.not_checked.iter().map(|it| &*it.name).collect();
        output::page(report.findings.is_empty(), |mut out| {
            if self.json {
                let document = Document {
                    version: 1,
                    objects: report.objects,
                    references: report.references,
                    not_checked,
                    groups: report.groups.iter().map(GroupView::from).collect(),
                    findings: report.findings.iter().map(ReachFinding::from).collect(),
                };
                return output::json(&mut out, &document);
            }
            for finding in &report.findings {
                finding::show(out, finding)?;
            }
            summary(out, &report)
        })
    }
}

/// The error if no input has instructions.
fn nothing(report: &Report) -> String {
    let lines = report.not_checked.iter();
    let lines: Vec<_> = lines
        .map(|NotChecked { name, what }| format!("{name}: {}", what.reason()))
        .collect();
    format!("there is nothing to check: {}", lines.join("; "))
}

fn summary(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    for NotChecked { name, what } in &report.not_checked {
        let doubt = style::doubtful("not checked");
        writeln!(out, "{doubt}: {name}: {}", what.reason())?;
    }
    // An input that was not checked is not clean.
    let verdict = match report.findings.len() {
        0 if !report.not_checked.is_empty() => style::doubtful("no findings").to_string(),
        found => output::verdict(found),
    };
    writeln!(out, "{verdict}: {}", report.checked())
}
