//! Before the final link: which instructions may not reach what they name.
//!
//! A conditional branch reaches ±1 MiB, TBZ and TBNZ ±32 KiB, ADR and loads of literals ±1 MiB, and
//! no linker extends them. If the target is in another input section, the distance is known only
//! when everything is linked, and grows with code that has nothing to do with it: such code works
//! for years, and then a build with other optimisations fails, by an error that may name the wrong
//! file. So [`check`] asks that both ends are in one input section, or in one *keep-together
//! group*: sections `.text.together.NAME` and `.text.together.NAME.anything`, which the
//! fragment [`TOGETHER_X`](crate::TOGETHER_X) puts side by side. See docs/reach.md.
//!
//! ```no_run
//! use alt_linker::branch_range::{self, Options};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let report = branch_range::check(["entry.o", "libkernel.a"], &Options::default())?;
//! for finding in &report.findings {
//!     eprintln!("{finding}");
//! }
//! # Ok(())
//! # }
//! ```

mod allow;
mod finding;
mod group;
mod object;
mod resolve;
mod short;
mod text;

use std::collections::BTreeMap;
use std::path::Path;

pub use allow::{Allow, UnknownKind};
pub use finding::{Finding, Kind};
pub use group::{Group, PREFIX};
pub use short::Short;

use alt_object::inputs::{self, Input, InputError, InputKind};
use alt_object::object::ObjectError;
use object::LinkedObject;
use resolve::{Link, Target};
use text::Words;

/// Why the inputs cannot be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BranchRangeError {
    /// A file is no input of a link.
    #[error(transparent)]
    Input(#[from] InputError),
    /// An object is damaged.
    #[error("{file}: damaged: {why}")]
    Object {
        /// The input file, or the member of an archive.
        file: String,
        /// The reason.
        why: ObjectError,
    },
}

/// Options of the lint.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Findings that are not reported.
    pub allow: Vec<Allow>,
    /// Disassembles an instruction up to its target: `cbz x0, `. Without this function, a finding
    /// shows the mnemonic alone, since this package has no disassembler.
    pub before_target: Option<fn(word: u32) -> Option<String>>,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How many objects were checked.
    pub objects: usize,
    /// How many instructions of short reach in them name a symbol.
    pub references: usize,
    /// LLVM bitcode: it has no instructions before the link generates them, so this was *not*
    /// checked.
    pub not_checked: Vec<String>,
    /// The keep-together groups.
    pub groups: Vec<Group>,
    /// What is wrong; in the order of the inputs, groups last.
    pub findings: Vec<Finding>,
}

/// Why bitcode is not checked.
pub const BITCODE: &str =
    "LLVM bitcode, which has no instructions before the linker generates them";

impl Report {
    /// How much was checked, in words.
    pub fn checked(&self) -> String {
        let objects = count(self.objects, "object");
        let references = count(self.references, "reference");
        let mut text = format!("{objects}, {references} of short reach");
        if !self.groups.is_empty() {
            text += &format!(", {}", count(self.groups.len(), "group"));
        }
        if !self.not_checked.is_empty() {
            text += &format!("; {} of LLVM bitcode not checked", self.not_checked.len());
        }
        text
    }
}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Checks the inputs of a link: objects, archives and rlibs.
///
/// # Errors
/// A file cannot be read, or is no input of a link for arm64.
pub fn check<P: AsRef<Path>>(
    paths: impl IntoIterator<Item = P>,
    options: &Options,
) -> Result<Report, BranchRangeError> {
    check_inputs(&inputs::read(paths)?, options)
}

/// The same, of what was read already.
///
/// # Errors
/// An object is damaged.
pub fn check_inputs(inputs: &[Input], options: &Options) -> Result<Report, BranchRangeError> {
    let (mut objects, mut not_checked) = (Vec::new(), Vec::new());
    for input in inputs {
        match input.kind {
            InputKind::Bitcode => not_checked.push(input.name.clone()),
            InputKind::Elf => {
                let object =
                    LinkedObject::parse(input).map_err(|why| BranchRangeError::Object {
                        file: input.name.clone(),
                        why,
                    })?;
                objects.push(object);
            }
        }
    }
    let link = Link::new(&objects);
    let mut report = Report {
        objects: objects.len(),
        references: objects.iter().map(|object| object.references.len()).sum(),
        not_checked,
        groups: group::all(&link),
        findings: Vec::new(),
    };
    let mut tightest = BTreeMap::new();
    for (object, all) in objects.iter().enumerate() {
        for reference in &all.references {
            if link.is_dropped(object, reference.section) {
                continue;
            }
            let words = Words {
                options,
                link: &link,
                object,
                reference,
                target: link.target(object, reference),
            };
            match judge(&words) {
                Verdict::Near => {}
                Verdict::TooFar(distance) => report.findings.push(words.too_far(distance)),
                Verdict::OtherSection => report.findings.push(words.other_section()),
                Verdict::Together(group) => {
                    let known = tightest.entry(group).or_insert(words);
                    if words.reference.form.max() < known.reference.form.max() {
                        *known = words;
                    }
                }
            }
        }
    }
    for group in &report.groups {
        if let Some(words) = tightest.get(group.name.as_str())
            && group::is_too_large(group.size, words.reference.form)
        {
            report.findings.push(words.group_too_large(group));
        }
    }
    report
        .findings
        .retain(|finding| !options.allow.iter().any(|allow| allow.covers(finding)));
    Ok(report)
}

/// What is known of the distance of a reference before the link.
enum Verdict<'a> {
    /// It reaches.
    Near,
    /// It does not, by this distance.
    TooFar(i64),
    /// Nothing is known.
    OtherSection,
    /// It is at most the size of this group.
    Together(&'a str),
}

fn judge<'a>(words: &Words<'a>) -> Verdict<'a> {
    let (link, object, reference) = (words.link, words.object, words.reference);
    let (at, section, offset) = match words.target {
        Target::Section {
            object,
            section,
            offset,
        } => (object, section, offset),
        Target::Itself => return Verdict::Near,
        _ => return Verdict::OtherSection,
    };
    if (at, section) == (object, reference.section) {
        let distance = offset.wrapping_sub(reference.offset) as i64;
        return match reference.form.reaches(distance) {
            true => Verdict::Near,
            false => Verdict::TooFar(distance),
        };
    }
    let group = |object: usize, section: usize| {
        let section = link.objects[object].file.sections.get(section)?;
        group::of(section.name).map(|name| (name, section.size))
    };
    match (group(object, reference.section), group(at, section)) {
        (Some((from, _)), Some((to, size))) if from == to && offset <= size => {
            Verdict::Together(to)
        }
        _ => Verdict::OtherSection,
    }
}
