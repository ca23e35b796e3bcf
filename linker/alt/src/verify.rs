//! The command `alt verify`.

use std::path::PathBuf;

use alt_image::style;
use alt_verify::seal::Seal;
use alt_verify::{Context, not_checked, rules, verify};
use clap::Args;
use serde::Serialize;

use crate::finding::{self, ImageFinding};
use crate::input::{Input, config, read_text};
use crate::output::{self, Outcome};

/// Checks an image by all rules.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Verify {
    #[command(flatten)]
    input: Input,
    /// A seal that was written by `alt seal`: each change since then is a finding
    #[arg(long, value_name = "FILE")]
    seal: Option<PathBuf>,
    /// A rules file for this image: regions, the init region, code that runs early
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// A rule that is not checked; may be given several times
    #[arg(long, value_name = "RULE", value_parser = rule)]
    allow: Vec<&'static str>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  alt verify kernel
  alt verify kernel --json
  alt verify vmlinux --cpucaps arch/arm64/tools/cpucaps

Exit status: 0 no findings, 1 findings, 2 the image cannot be read.";

/// The output of `--json`.
#[derive(Serialize)]
struct Document<'a> {
    /// Incremented when a field is removed or changes its meaning.
    version: u32,
    sites: usize,
    records: usize,
    /// The namespaces that the image declares.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    namespaces: Vec<String>,
    findings: Vec<ImageFinding<'a>>,
    /// What could not be checked, a line each.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    not_checked: &'a [String],
}

/// The rule of this name.
fn rule(id: &str) -> Result<&'static str, String> {
    let known = rules().map(|rule| rule.id).find(|known| *known == id);
    known.ok_or_else(|| "there is no such rule; docs/verify.md lists them".into())
}

impl Verify {
    pub fn run(&self) -> Outcome {
        // With a rules file, an image without sites can be checked too.
        let opened = match &self.rules {
            None => self.input.open(),
            Some(_) => self.input.open_any(),
        }?;
        let seal = match &self.seal {
            None => None,
            Some(path) => Some(
                Seal::from_json(&read_text(path)?)
                    .map_err(|error| format!("{}: {error}", path.display()))?,
            ),
        };
        let context = Context::of(&opened)?.sealed(seal.as_ref());
        let context = context.with_config(config(self.rules.as_deref(), &opened.image)?);
        let mut findings = verify(&context);
        findings.retain(|finding| !self.allow.contains(&finding.rule));
        let not_checked = not_checked(&context);
        let namespaces = context.namespaces.list.iter();
        let namespaces: Vec<_> = namespaces.map(|one| one.name.to_string()).collect();
        let counts = (opened.records.sites().count(), opened.records.list().len());
        output::show(findings.is_empty(), |mut out| {
            if self.json {
                let (sites, records) = counts;
                let document = Document {
                    version: 1,
                    sites,
                    records,
                    namespaces,
                    findings: findings.iter().map(ImageFinding::from).collect(),
                    not_checked: &not_checked,
                };
                return output::json(&mut out, &document);
            }
            for finding in &findings {
                finding::show(out, finding)?;
            }
            let (sites, records) = counts;
            let mut checked = format!(
                "{sites} sites, {records} records, {} rules",
                rules().count()
            );
            match &namespaces[..] {
                [] => {}
                [one] => checked += &format!(", namespace {one}"),
                all => checked += &format!(", namespaces {}", all.join(", ")),
            }
            writeln!(out, "{}: {checked}", output::verdict(findings.len()))?;
            for line in &not_checked {
                writeln!(out, "{}: {line}", style::dim("not checked"))?;
            }
            Ok(())
        })
    }
}
