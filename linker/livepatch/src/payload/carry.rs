//! From a difference to the parts of a payload.

use std::collections::{HashMap, VecDeque};

use alt_runtime::livepatch::Payload;
use alt_runtime::livepatch::format::HookKind;
use alt_runtime::record::Section;

use super::part::{Part, PartKind, Reference, Replaced, Target};
use super::write::{LogString, Specification, write};
use super::{LOG_STRINGS, PayloadBuildError, hex};
use crate::archive::Build;
use crate::diff::{Carried, Diff, Resolution};
use crate::model::{Atom, AtomId, Kind};

/// The options of the author of a payload.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The name: 1 to 127 bytes.
    pub name: String,
    /// Functions of the new build that are hooks, by symbol or demangled name:
    /// `extern "C" fn() -> u32`.
    pub hooks: Vec<(HookKind, String)>,
    /// Words that the old image must have in memory: a function, the offset in it in bytes, and the
    /// word.
    pub expectations: Vec<(String, u64, u32)>,
    /// The file of the payload that must be the last one applied.
    pub parent: Option<Vec<u8>>,
    /// Functions that may be on a stack while the payload is applied, by demangled name.
    pub may_be_running: Vec<String>,
}

/// Builds the payload of a difference without refusals. `old` is the build of the image that runs.
///
/// # Errors
/// The loader could not use the payload; the error names the function or the place.
pub fn build(
    old: &Build,
    diff: &Diff<'_>,
    options: &Options,
) -> Result<Vec<u8>, PayloadBuildError> {
    let mut carrier = Carrier::new(diff, &old.image);
    let mut hooks = Vec::new();
    for (kind, name) in &options.hooks {
        let atom = carrier
            .function(name)
            .ok_or_else(|| PayloadBuildError::Hook {
                kind: *kind,
                name: name.clone(),
            })?;
        carrier.add(atom);
        hooks.push((*kind, atom));
    }
    let (mut parts, log_strings) = carrier.parts()?;
    for name in &options.may_be_running {
        let mut replaced = parts.iter_mut().filter(|part| part.label == *name);
        let replaced = replaced.find_map(|part| part.replaces.as_mut());
        let replaced = replaced.ok_or_else(|| PayloadBuildError::NoSymbol(name.clone()))?;
        replaced.may_be_running = true;
    }
    let hooks: Vec<_> = hooks
        .iter()
        .filter_map(|(kind, atom)| Some((*kind, *carrier.numbers.get(atom)?)))
        .collect();
    let mut expectations = Vec::new();
    for (name, offset, word) in &options.expectations {
        let address = place(old, diff, name)?.wrapping_add(*offset);
        if old.image.word(address).is_none() {
            return Err(PayloadBuildError::Expectation {
                name: name.clone(),
                address,
            });
        }
        expectations.push((address, *word));
    }
    let parent = options
        .parent
        .as_deref()
        .map(|file| parent(old, file))
        .transpose()?;
    let file = write(&Specification {
        name: &options.name,
        image: &old.image,
        build_id: old.build_id,
        parent,
        parts: &parts,
        hooks: &hooks,
        expectations: &expectations,
        log_strings: &log_strings,
    })?;
    // The loader's own check.
    match Payload::parse(&file) {
        Ok(_) => Ok(file),
        Err(error) => Err(PayloadBuildError::Loader(error)),
    }
}

/// The address of a function of the old image, by symbol or demangled name.
fn place(old: &Build, diff: &Diff<'_>, name: &str) -> Result<u64, PayloadBuildError> {
    let model = diff.old();
    let by_label = || {
        let mut found = model
            .atoms()
            .filter(|(id, atom)| atom.kind == Kind::Function && model.label(*id) == name);
        let (_, atom) = found.next()?;
        found.next().is_none().then_some(atom.address?)
    };
    let address = old.image.symbol(name).or_else(by_label);
    address.ok_or_else(|| PayloadBuildError::NoSymbol(name.to_owned()))
}

fn parent(
    old: &Build,
    file: &[u8],
) -> Result<alt_runtime::livepatch::format::Id, PayloadBuildError> {
    let payload = Payload::parse(file).map_err(PayloadBuildError::ParentFile)?;
    if payload.image() != old.build_id.id {
        return Err(PayloadBuildError::Parent {
            parent: hex(&payload.image()),
            image: hex(&old.build_id.id),
        });
    }
    Ok(payload.id())
}

/// Collects the atoms that a payload carries.
struct Carrier<'a> {
    diff: &'a Diff<'a>,
    carried: Vec<Carried>,
    /// The number of the part of each atom.
    numbers: HashMap<AtomId, usize>,
    /// The first index of a log string that the old image does not have.
    next_string: u64,
}

impl<'a> Carrier<'a> {
    fn new(diff: &'a Diff<'a>, image: &alt_image::image::Image) -> Self {
        let strings = image.section(LOG_STRINGS);
        let carried = diff.carried();
        Self {
            diff,
            numbers: (0..).zip(&carried).map(|(n, one)| (one.atom, n)).collect(),
            carried,
            next_string: strings.map_or(0, |section| section.range.end),
        }
    }

    /// The function of the new build with this symbol or demangled name.
    fn function(&self, name: &str) -> Option<AtomId> {
        let new = self.diff.new();
        let mut found = new.atoms().filter(|(id, atom)| {
            atom.kind == Kind::Function && (atom.name() == name || new.label(*id) == name)
        });
        let (first, _) = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// Adds an atom and the targets of its references.
    fn add(&mut self, atom: AtomId) {
        let mut queue = VecDeque::from([atom]);
        while let Some(id) = queue.pop_front() {
            if self.numbers.contains_key(&id) {
                continue;
            }
            self.numbers.insert(id, self.carried.len());
            self.carried.push(Carried {
                atom: id,
                replaces: None,
            });
            let atom = self.diff.new().atom(id);
            queue.extend(&atom.records);
            for reference in &atom.references {
                if let Resolution::Carry(to) = self.diff.resolve(id, reference) {
                    queue.push_back(to);
                }
            }
        }
    }

    /// The first carried atom that needs this one, or the atom itself if no other needs it.
    fn user(&self, id: AtomId) -> AtomId {
        let new = self.diff.new();
        let needs = |user: &AtomId| {
            let atom = new.atom(*user);
            let refers = |reference| self.diff.resolve(*user, reference) == Resolution::Carry(id);
            atom.records.contains(&id) || atom.references.iter().any(refers)
        };
        let mut carried = self.carried.iter().map(|carried| carried.atom);
        carried.find(needs).unwrap_or(id)
    }

    fn parts(&self) -> Result<(Vec<Part>, Vec<LogString>), PayloadBuildError> {
        let (mut parts, mut strings) = (Vec::new(), Strings::default());
        for carried in &self.carried {
            parts.push(self.part(carried, &mut strings)?);
        }
        let strings = strings.list.into_iter().map(|(atom, index)| LogString {
            symbol: self.diff.new().atom(atom).name().to_owned(),
            index: self.next_string + index,
        });
        Ok((parts, strings.collect()))
    }

    fn part(&self, carried: &Carried, strings: &mut Strings) -> Result<Part, PayloadBuildError> {
        let new = self.diff.new();
        let atom = new.atom(carried.atom);
        let label = new.label(carried.atom);
        let mut references = Vec::new();
        for reference in &atom.references {
            let target = match self.diff.resolve(carried.atom, reference) {
                Resolution::Image(address) => Target::Image(address),
                Resolution::Carry(to) if is_log_string(new.atom(to)) => {
                    Target::Image(self.next_string + strings.index(to))
                }
                Resolution::Carry(to) => {
                    let number = self.numbers.get(&to).copied();
                    Target::Part(number.ok_or_else(|| PayloadBuildError::Target {
                        name: label.clone(),
                        offset: reference.offset,
                    })?)
                }
                Resolution::Refused(refusal) => {
                    return Err(PayloadBuildError::Refused(refusal.to_string()));
                }
            };
            references.push(Reference {
                offset: reference.offset,
                kind: reference.kind,
                target,
                addend: reference.addend,
            });
        }
        let records = atom
            .records
            .iter()
            .filter_map(|id| self.numbers.get(id).copied());
        let named = atom.names.first().filter(|name| name.offset == 0);
        Ok(Part {
            kind: kind(atom).ok_or_else(|| PayloadBuildError::Section {
                name: new.label(self.user(carried.atom)),
                section: atom.section.clone(),
            })?,
            symbol: match named {
                Some(name)
                    if matches!(atom.kind, Kind::Function | Kind::Writable | Kind::ReadOnly) =>
                {
                    name.name.clone()
                }
                _ => String::new(),
            },
            label,
            bytes: atom.bytes.clone(),
            size: atom.size,
            align: atom.align,
            references,
            records: records.collect(),
            replaces: carried.replaces.as_ref().map(|replaced| Replaced {
                address: replaced.address,
                size: replaced.size,
                may_be_running: false,
            }),
        })
    }
}

/// The log strings that the old image does not have, in the order in which they are met.
#[derive(Default)]
struct Strings {
    list: Vec<(AtomId, u64)>,
}

impl Strings {
    fn index(&mut self, atom: AtomId) -> u64 {
        if let Some((_, index)) = self.list.iter().find(|(there, _)| *there == atom) {
            return *index;
        }
        let index = self.list.len() as u64;
        self.list.push((atom, index));
        index
    }
}

fn is_log_string(atom: &Atom) -> bool {
    atom.output == LOG_STRINGS || atom.section.starts_with(".defmt.")
}

/// The kind of an atom; `None` for a section that no payload can have.
fn kind(atom: &Atom) -> Option<PartKind> {
    const BRANCHES: &str = Section::Branches.name();
    const ALTERNATIVES: &str = Section::Alternatives.name();
    const REPLACEMENTS: &str = Section::Replacements.name();
    match atom.kind {
        _ if is_log_string(atom) => Some(PartKind::LogString),
        Kind::Function => Some(PartKind::Function),
        Kind::Constant | Kind::ReadOnly => Some(PartKind::Constant),
        Kind::Writable => Some(PartKind::Data),
        Kind::Record => match &*atom.section {
            BRANCHES => Some(PartKind::Branches),
            ALTERNATIVES => Some(PartKind::Alternatives),
            REPLACEMENTS => Some(PartKind::Replacements),
            _ => None,
        },
    }
}
