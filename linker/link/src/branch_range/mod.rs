//! The branch-range lint: before the final link, it finds instructions whose target may be out of
//! range.
//!
//! Conditional branches, ADR and loads of literals have a range of ±1 MiB, TBZ and TBNZ of
//! ±32 KiB, and no linker extends them. If the target is in another input section, the distance
//! depends on the link and grows with unrelated code: such code works for years, until a build
//! with other optimisations fails, with an error that may name the wrong file. So [`check`]
//! requires that both ends are in one input section, or in one *keep-together group*: sections
//! `.text.together.NAME` and `.text.together.NAME.anything`, which the [fragment](crate::FRAGMENTS)
//! `together.x` makes contiguous. See docs/reach.md.
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
mod group;
mod kind;
mod object;
mod resolve;
mod short;
mod tables;
mod text;

use std::collections::BTreeMap;
use std::path::Path;

pub use allow::{Allow, UnknownKind};
pub use group::{Group, PREFIX};
pub use kind::Kind;
pub use short::Short;

use alt_diagnostic::Diagnostic;
use alt_object::inputs::{self, Input, InputError, InputKind};
use alt_object::object::ObjectError;
use object::LinkedObject;
use resolve::{Link, Target};
use text::Words;

/// Why the inputs cannot be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BranchRangeError {
    /// A file cannot be an input of a link.
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

/// The result of the lint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The number of objects that were checked.
    pub objects: usize,
    /// The number of references of short range in them.
    pub references: usize,
    /// Inputs that were *not* checked, or not all that matters in them.
    pub not_checked: Vec<NotChecked>,
    /// The keep-together groups.
    pub groups: Vec<Group>,
    /// The findings, in the order of the inputs; those about groups are last.
    pub findings: Vec<Diagnostic>,
}

/// An input that was not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotChecked {
    /// Its name: `entry.o`, or `libkernel.a(entry.o)`.
    pub name: String,
    /// The parts that were not checked.
    pub what: Unchecked,
}

/// A part of an input that the lint cannot check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unchecked {
    /// LLVM bitcode has no instructions yet.
    Bitcode,
    /// A slim object of GCC's link-time optimisation has no instructions yet.
    Gimple,
    /// The sites and replacements of a module of Linux: this lint reads branches only.
    Alternatives,
}

impl Unchecked {
    const ALL: [Self; 3] = [Self::Bitcode, Self::Gimple, Self::Alternatives];

    /// The kind of input, and the reason.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Bitcode => {
                "LLVM bitcode, which has no instructions before the linker generates them"
            }
            Self::Gimple => {
                "code of GCC for link-time optimisation, which has no instructions before GCC's \
                 plugin generates them"
            }
            Self::Alternatives => "its alternatives, which `alt verify` checks",
        }
    }

    /// As a part of a summary, with the number of inputs.
    fn summary(self, count: usize) -> String {
        match self {
            Self::Bitcode => format!("{count} of LLVM bitcode not checked"),
            Self::Gimple => format!("{count} of GCC's GIMPLE not checked"),
            Self::Alternatives => format!("the alternatives of {count} not checked"),
        }
    }
}

impl Report {
    /// A summary of the checked inputs.
    pub fn checked(&self) -> String {
        let objects = count(self.objects, "object");
        let references = count(self.references, "reference");
        let mut text = format!("{objects}, {references} of short reach");
        if !self.groups.is_empty() {
            text += &format!(", {}", count(self.groups.len(), "group"));
        }
        for what in Unchecked::ALL {
            let count = self.not_checked.iter().filter(|it| it.what == what).count();
            if count != 0 {
                text += &format!("; {}", what.summary(count));
            }
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
/// A file cannot be read, or cannot be an input of a link for arm64.
pub fn check<P: AsRef<Path>>(
    paths: impl IntoIterator<Item = P>,
    options: &Options,
) -> Result<Report, BranchRangeError> {
    check_inputs(&inputs::read(paths)?, options)
}

/// Checks inputs that have been read already.
///
/// # Errors
/// An object is damaged.
pub fn check_inputs(inputs: &[Input], options: &Options) -> Result<Report, BranchRangeError> {
    let (mut objects, mut not_checked) = (Vec::new(), Vec::new());
    for input in inputs {
        let mut unchecked = |what| {
            let name = input.name.clone();
            not_checked.push(NotChecked { name, what });
        };
        match input.kind {
            InputKind::Bitcode => unchecked(Unchecked::Bitcode),
            InputKind::Gimple => unchecked(Unchecked::Gimple),
            InputKind::Elf => {
                let object =
                    LinkedObject::parse(input).map_err(|why| BranchRangeError::Object {
                        file: input.name.clone(),
                        why,
                    })?;
                if object.has_linux_table() {
                    unchecked(Unchecked::Alternatives);
                }
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
    for object in &objects {
        report.findings.extend(tables::joined(object)?);
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

/// The distance of a reference, as far as it is known before the link.
enum Verdict<'a> {
    /// The target is in range.
    Near,
    /// The target is out of range, at this distance.
    TooFar(i64),
    /// The distance is unknown.
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
