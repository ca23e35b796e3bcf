//! The command `alt livepatch build`.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use alt_livepatch::archive::Build as Kept;
use alt_livepatch::diff::report::Report;
use alt_livepatch::diff::{self, Options as DiffOptions};
use alt_livepatch::model::Model;
use alt_livepatch::payload::{self, HOOK_NAMES, Options};
use alt_runtime::livepatch::format::HookKind;
use clap::Args;

use crate::input::read;
use crate::output;

/// Builds the payload that changes a running kernel from one build to another.
///
/// The payload replaces the functions that differ. It is refused if something differs that cannot be
/// patched; `alt livepatch diff` shows the same reasons. The same builds give the same bytes.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Build {
    /// The build that runs: an image that alt-ld has linked with --alt-keep, or IMAGE.livepatch
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The build with the changes
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// The file to write
    #[arg(short, long, value_name = "PAYLOAD")]
    output: PathBuf,
    /// The payload's name; by default the name of the file without extension
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A function of NEW that the kernel calls: KIND is load, pre-apply, post-apply, pre-revert,
    /// post-revert or unload; SYMBOL is an extern "C" fn() -> u32. Others than 0 refuse
    #[arg(long, value_name = "KIND=SYMBOL", value_parser = hook)]
    hook: Vec<(HookKind, String)>,
    /// A word that must be in the memory of OLD, or else the payload is not applied:
    /// `memory::copy+0x10=d503201f`
    #[arg(long, value_name = "SYMBOL+OFFSET=WORD", value_parser = expectation)]
    expect: Vec<(String, u64, u32)>,
    /// A static that the optimiser had removed from OLD, and that may begin with its initial value
    #[arg(long, value_name = "STATIC")]
    allow_static: Vec<String>,
    /// The payload that must be the last one applied; by default, the payload is for the image alone
    #[arg(long, value_name = "PAYLOAD")]
    parent: Option<PathBuf>,
    /// A function that may be executing while it is replaced: calls in progress finish in the old one
    #[arg(long, value_name = "FUNCTION")]
    may_be_running: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  alt livepatch build old/kernel new/kernel -o fix.alp
  alt livepatch build old/kernel new/kernel -o next.alp --parent fix.alp
  alt livepatch build old/kernel new/kernel -o fix.alp --hook post-apply=fix_up

Exit status: 0 the file is written, 1 nothing differs that has an effect, 3 something cannot be
patched, 2 another error.";

fn hook(text: &str) -> Result<(HookKind, String), String> {
    let (kind, symbol) = text.split_once('=').ok_or("write it as KIND=SYMBOL")?;
    let known = HOOK_NAMES.iter().find(|(name, _)| *name == kind);
    let (_, kind) = known.ok_or_else(|| {
        let names: Vec<_> = HOOK_NAMES.iter().map(|(name, _)| *name).collect();
        format!("there is no hook {kind}; there are {}", names.join(", "))
    })?;
    Ok((*kind, symbol.to_owned()))
}

fn expectation(text: &str) -> Result<(String, u64, u32), String> {
    let form = "write it as SYMBOL+OFFSET=WORD, in hexadecimal digits";
    let (place, word) = text.rsplit_once('=').ok_or(form)?;
    let hex = |digits: &str| {
        let digits = digits.strip_prefix("0x").unwrap_or(digits);
        u64::from_str_radix(digits, 16).map_err(|error| format!("{error}; {form}"))
    };
    // A demangled name may have a `+` too, in a bound.
    let (symbol, offset) = match place.rsplit_once('+') {
        Some((symbol, offset)) => (symbol, hex(offset)?),
        None => (place, 0),
    };
    let word = u32::try_from(hex(word)?).map_err(|_| format!("a word has 32 bits; {form}"))?;
    Ok((symbol.to_owned(), offset, word))
}

impl Build {
    pub fn run(&self) -> Result<ExitCode, Box<dyn Error>> {
        let (old, new) = (Kept::open(&self.old)?, Kept::open(&self.new)?);
        let other = diff::other_build(&old, &new);
        if !other.is_empty() {
            return refuse(&Report::refused(&other));
        }
        let (old_model, new_model) = (Model::of(&old)?, Model::of(&new)?);
        let options = DiffOptions {
            allowed_statics: self.allow_static.clone(),
        };
        let diff = diff::diff(&old_model, &new_model, &options);
        let report = super::report(&old, &diff);
        if !report.refusals.is_empty() {
            return refuse(&report);
        }
        if !diff.is_functional() && self.hook.is_empty() {
            eprintln!("alt: {}", report.summary());
            return Ok(ExitCode::from(1));
        }
        let stem = self.output.file_stem().unwrap_or_default();
        let stem = stem.to_string_lossy().into_owned();
        let options = Options {
            name: self.name.clone().unwrap_or(stem),
            hooks: self.hook.clone(),
            expectations: self.expect.clone(),
            parent: self.parent.as_deref().map(read).transpose()?,
            may_be_running: self.may_be_running.clone(),
        };
        let file = payload::build(&old, &diff, &options)?;
        output::file(&self.output, &file, None)?;
        let summary = report.summary();
        output::show(true, |out| {
            writeln!(
                out,
                "{}: {} bytes; {summary}",
                self.output.display(),
                file.len()
            )
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes the reasons.
fn refuse(report: &Report) -> Result<ExitCode, Box<dyn Error>> {
    for refusal in &report.refusals {
        eprintln!("{refusal}");
    }
    eprintln!("alt: no payload: {}", report.summary());
    Ok(ExitCode::from(3))
}
