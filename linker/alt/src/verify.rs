//! The command `alt verify`.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use alt_diagnostic::Severity;
use alt_image::image::Image;
use alt_image::style;
use alt_linker::namespace::SECTION;
use alt_livepatch::verify::{self as payload_rules, is_payload};
use alt_verify::seal::Seal;
use alt_verify::{Context, not_checked, rules, verify};
use clap::Args;
use serde::Serialize;

use crate::finding::{self, ImageFinding};
use crate::input::{Input, config, read, read_text};
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
    /// For a payload of livepatch: the image that it is for
    #[arg(long, value_name = "IMAGE")]
    image: Option<PathBuf>,
    /// For a payload: the payload that will have been applied before it
    #[arg(long, value_name = "PAYLOAD")]
    parent: Option<PathBuf>,
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
  alt verify fix.alp --image kernel

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
    let of_payloads = alt_livepatch::verify::RULES.iter().map(|rule| rule.id);
    let known = rules().map(|rule| rule.id).chain(of_payloads);
    let known = known.into_iter().find(|known| *known == id);
    known.ok_or_else(|| "there is no such rule; docs/verify.md lists them".into())
}

impl Verify {
    pub fn run(&self) -> Outcome {
        let of_payload = self.image.is_some() || self.parent.is_some();
        if of_payload || is_payload(&start(&self.input.path)) {
            return self.payload(&read(&self.input.path)?);
        }
        let opened = self.input.open_any()?;
        // By a rules file, or by the manifests of namespaces, an image without sites is checked too.
        let linked = opened.image.relocatable().is_none();
        if self.rules.is_none() && !(linked && opened.image.section(SECTION).is_some()) {
            opened.require_records(&self.input.path)?;
        }
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
        // A note is a suggestion, not a violation.
        let wrong = findings.iter().filter(|f| f.severity != Severity::Note);
        let wrong = wrong.count();
        output::page(wrong == 0, |mut out| {
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
            let format = opened.records.format;
            let rules = rules()
                .filter(|rule| rule.formats.contains(&format) && !self.allow.contains(&rule.id));
            let mut checked = [
                (sites, "site"),
                (records, "record"),
                (rules.count(), "rule"),
            ]
            .map(|(number, what)| output::count(number, what))
            .join(", ");
            match &namespaces[..] {
                [] => {}
                [one] => checked += &format!(", namespace {one}"),
                all => checked += &format!(", namespaces {}", all.join(", ")),
            }
            writeln!(out, "{}: {checked}", output::verdict(wrong))?;
            for line in &not_checked {
                writeln!(out, "{}: {line}", style::dim("not checked"))?;
            }
            Ok(())
        })
    }
}

/// The start of a file; empty if it cannot be read, which is reported later.
fn start(path: &Path) -> Vec<u8> {
    let mut start = Vec::new();
    let file = File::open(path).map(|file| file.take(4096));
    match file.and_then(|mut file| file.read_to_end(&mut start)) {
        Ok(_) => start,
        Err(_) => Vec::new(),
    }
}

impl Verify {
    fn payload(&self, file: &[u8]) -> Outcome {
        let image = match &self.image {
            None => None,
            Some(path) => {
                let image = Image::parse(read(path)?);
                Some(image.map_err(|why| format!("{}: {why}", path.display()))?)
            }
        };
        let parent = self.parent.as_deref().map(read).transpose()?;
        let mut findings = payload_rules::verify(file, image.as_ref(), parent.as_deref());
        findings.retain(|finding| !self.allow.contains(&finding.rule));
        let not_checked = match image {
            Some(_) => Vec::new(),
            None => vec!["against an image, for lack of --image".to_owned()],
        };
        output::page(findings.is_empty(), |mut out| {
            if self.json {
                let document = Document {
                    version: 1,
                    sites: 0,
                    records: 0,
                    namespaces: Vec::new(),
                    findings: findings.iter().map(ImageFinding::from).collect(),
                    not_checked: &not_checked,
                };
                return output::json(&mut out, &document);
            }
            for finding in &findings {
                finding::show(out, finding)?;
            }
            let rules = payload_rules::RULES.len();
            writeln!(
                out,
                "{}: payload, {rules} rules",
                output::verdict(findings.len())
            )?;
            for line in &not_checked {
                writeln!(out, "{}: {line}", style::dim("not checked"))?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use alt_diagnostic::{Diagnostic, Location};

    use super::*;

    /// docs/verify.md has each field of the document and of a finding, and no other one.
    #[test]
    fn the_document_lists_the_fields_of_json() {
        let finding = Diagnostic {
            location: Some(Location::Image {
                address: 1,
                symbol: Some("f".into()),
            }),
            cap: Some("LSE".into()),
            path: vec!["f".into()],
            ..Diagnostic::new("rule", Severity::Error, "wrong")
        };
        let document = Document {
            version: 1,
            sites: 1,
            records: 1,
            namespaces: vec!["hyp".into()],
            findings: vec![ImageFinding::from(&finding)],
            not_checked: &["this".into()],
        };
        let json = serde_json::to_value(&document).unwrap();
        let keys = |value: &serde_json::Value| -> BTreeSet<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        let mut expected = keys(&json);
        let findings = keys(&json["findings"][0]);
        expected.extend(findings.iter().map(|key| format!(".{key}")));

        let path = test_support::workspace().join("docs/verify.md");
        let text = std::fs::read_to_string(path).unwrap();
        let (_, section) = text.split_once("\n## JSON\n").unwrap();
        let section = section.split("\n## ").next().unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
        let documented: BTreeSet<String> = rows
            .filter_map(|row| Some(row.split_once('`')?.0.trim_end_matches("[]").to_owned()))
            .collect();
        assert_eq!(documented, expected);
    }
}
