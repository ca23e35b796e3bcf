//! Calls of outline atomics become sites, before the link.
//!
//! A call `bl __aarch64_ldadd8_relax` gets a record whose replacement is the one LSE instruction of
//! the helper (the first word of its own replacement, in [`alt_runtime::atomics`]). The record is
//! added to the object that has the call, as if the macros had written it: in a section that is
//! linked to the section of the call (`SHF_LINK_ORDER`). So the linker drops it with an unused
//! function, sorts it, states the room for the plan, and keeps its relocations, as for every other
//! site. Nothing has to be reserved or merged after the link, no text moves, and a partial link (a
//! module, a hypervisor) works the same way.

mod archive;
mod calls;
mod report;
mod rewrite;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use alt_object::inputs::{self, Input, InputError, InputKind};
use alt_object::object::{Object, ObjectError, Place};
use alt_runtime::atomics::{PREFIX, WORD_PREFIX};

use archive::Member;
pub use calls::word_symbol;
use calls::{Calls, helper};
pub use report::{Left, Reason, Report};

/// The symbol by which the linker script fragments reserve room for records that are added after the
/// link: its value is their number.
pub const ROOM_SYMBOL: &str = "ALT_ATOMICS_ROOM";

/// The flag that the toolchain's own helpers read: those of libgcc, and of a prebuilt `compiler_builtins`.
const TOOLCHAIN_FLAG: &[u8] = b"__aarch64_have_lse_atomics";

/// The crate in mangled names, v0 and legacy. Built from source (`-Zbuild-std`), its helpers are in Rust, and
/// read a flag that has such a name.
const TOOLCHAIN_CRATE: &[u8] = b"17compiler_builtins";

/// The inputs could not be rewritten; nothing was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AtomicsError {
    /// An input cannot be part of a link.
    #[error(transparent)]
    Input(#[from] InputError),
    /// An object is damaged, or has a form that cannot be extended.
    #[error("{name}: {error}; its calls of outline atomics cannot become sites")]
    Object {
        /// The object.
        name: String,
        /// The reason.
        error: ObjectError,
    },
    /// A file cannot be written.
    #[error("{}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
}

/// The files to link in place of some inputs.
#[derive(Debug, Default)]
pub struct Prepared {
    /// The inputs that were rewritten, each with the file to link in its place.
    pub replaced: Vec<(PathBuf, PathBuf)>,
    /// The report.
    pub report: Report,
}

/// Adds a record for each call of an outline atomic in the inputs of a link. Writes those that
/// change to `folder`, which is created if there are any; archives stay archives.
///
/// # Errors
/// An input cannot be read, or `folder` cannot be written. Then nothing must be linked.
pub fn prepare<P: AsRef<Path>>(paths: &[P], folder: &Path) -> Result<Prepared, AtomicsError> {
    let mut files = Vec::new();
    for path in paths {
        files.push((path.as_ref(), inputs::read([path])?));
    }
    let helpers = Helpers::of(files.iter().flat_map(|(_, inputs)| inputs))?;
    let mut prepared = Prepared::default();
    for (number, (path, inputs)) in files.iter().enumerate() {
        let mut rewritten = BTreeMap::new();
        for (index, input) in inputs.iter().enumerate() {
            if let Some(bytes) = helpers.rewrite(input, &mut prepared.report)? {
                rewritten.insert(index, bytes);
            }
        }
        if rewritten.is_empty() {
            continue;
        }
        let bytes = whole(path, inputs, &rewritten)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let new = folder.join(format!("{number}-{name}"));
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&new, bytes));
        written.map_err(|error| AtomicsError::Write {
            path: new.clone(),
            error,
        })?;
        prepared.replaced.push((path.to_path_buf(), new));
    }
    Ok(prepared)
}

/// The file with the changed objects: an object, or an archive of all members.
fn whole(
    path: &Path,
    inputs: &[Input],
    rewritten: &BTreeMap<usize, Vec<u8>>,
) -> Result<Vec<u8>, AtomicsError> {
    let is_archive = |input: &Input| input.name.ends_with(')');
    if let ([input], Some(bytes)) = (inputs, rewritten.get(&0))
        && !is_archive(input)
    {
        return Ok(bytes.clone());
    }
    let archive = path.file_name().unwrap_or_default().to_string_lossy();
    let mut members = Vec::new();
    for (index, input) in inputs.iter().enumerate() {
        let name = input.name.strip_prefix(&*archive).unwrap_or(&input.name);
        let name = name.trim_start_matches('(').trim_end_matches(')');
        let symbols = match input.kind {
            InputKind::Elf => globals(&parse(input)?),
            InputKind::Bitcode | InputKind::Gimple => Vec::new(),
        };
        members.push(Member {
            name: name.to_owned(),
            bytes: rewritten.get(&index).unwrap_or(&input.bytes),
            symbols,
        });
    }
    Ok(archive::write(&members))
}

/// Whether an object with this symbol is the toolchain's: its helpers do what the LSE instructions do.
fn is_of_toolchain(symbol: &[u8]) -> bool {
    let mut parts = symbol.windows(TOOLCHAIN_CRATE.len());
    symbol == TOOLCHAIN_FLAG || parts.any(|part| part == TOOLCHAIN_CRATE)
}

fn globals(object: &Object<'_>) -> Vec<Vec<u8>> {
    let symbols = object.symbols.iter();
    let defined = symbols.filter(|symbol| !symbol.local && symbol.place != Place::Undefined);
    defined.map(|symbol| symbol.name.to_vec()).collect()
}

fn parse(input: &Input) -> Result<Object<'_>, AtomicsError> {
    Object::parse(&input.bytes).map_err(|error| AtomicsError::Object {
        name: input.name.clone(),
        error,
    })
}

/// The helpers that a link has.
#[derive(Debug, Default)]
struct Helpers {
    /// The replacements of alt-runtime, by symbol.
    words: BTreeSet<String>,
    /// The helpers that another object defines: by symbol, the object.
    foreign: BTreeMap<String, String>,
}

impl Helpers {
    fn of<'a>(inputs: impl Iterator<Item = &'a Input>) -> Result<Self, AtomicsError> {
        let mut helpers = Self::default();
        for input in inputs.filter(|input| input.kind == InputKind::Elf) {
            let object = parse(input)?;
            let defined = object.symbols.iter().filter(|symbol| {
                !symbol.local && matches!(symbol.place, Place::In(..) | Place::Absolute)
            });
            let names: BTreeSet<_> = defined
                .filter_map(|symbol| std::str::from_utf8(symbol.name).ok())
                .filter(|name| name.starts_with(PREFIX) || name.starts_with(WORD_PREFIX))
                .collect();
            let mut symbols = object.symbols.iter();
            let is_toolchain = symbols.any(|symbol| is_of_toolchain(symbol.name));
            for name in names
                .iter()
                .filter(|name| helper(name.as_bytes()).is_some())
            {
                if !is_toolchain && !names.contains(word_symbol(name).as_str()) {
                    helpers.foreign.insert((*name).into(), input.name.clone());
                }
            }
            let words = names.iter().filter(|name| name.starts_with(WORD_PREFIX));
            helpers.words.extend(words.map(|name| (*name).to_owned()));
        }
        Ok(helpers)
    }

    /// The object with records, if it has calls that can become sites.
    fn rewrite(&self, input: &Input, report: &mut Report) -> Result<Option<Vec<u8>>, AtomicsError> {
        if input.kind != InputKind::Elf {
            if !self.words.is_empty() {
                report.not_checked.push(input.name.clone());
            }
            return Ok(None);
        }
        let object = parse(input)?;
        let damaged = |error| AtomicsError::Object {
            name: input.name.clone(),
            error,
        };
        // In a namespace, the helpers and their replacements are symbols of the object itself.
        let own = |name: &str| {
            let mut symbols = object.symbols.iter();
            symbols.any(|s| s.name == name.as_bytes() && s.place != Place::Undefined)
        };
        let calls = Calls::find(&input.name, &object, |_, symbol| {
            if let Some(definer) = self.foreign.get(symbol) {
                return Some(Reason::Overridden(definer.clone()));
            }
            let word = word_symbol(symbol);
            (!self.words.contains(&word) && !own(&word)).then_some(Reason::NoHelper)
        });
        let calls = calls.map_err(damaged)?;
        if self.words.is_empty() && calls.taken.is_empty() {
            let left = calls.left.iter();
            let calls = left.filter(|left| left.reason == Reason::NoHelper);
            report.without_helpers += calls.count();
            return Ok(None);
        }
        report.left.extend(calls.left);
        if calls.taken.is_empty() {
            return Ok(None);
        }
        report.sites += calls.taken.len();
        rewrite::add_records(&input.bytes, &object, &calls.taken)
            .map(Some)
            .map_err(damaged)
    }
}
