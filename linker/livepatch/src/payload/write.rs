//! From parts to the bytes of a payload.

use alt_image::image::Image;
use alt_runtime::livepatch::format::{
    Expectation, FUNCTION_LANDING_PAD, FUNCTION_MAY_BE_RUNNING, Function, HOOKS, Header, HookKind,
    ID_LEN, Id, NONE, Symbol,
};

use super::part::{Part, PartKind};
use super::{OldImage, PayloadBuildError, description, elf, order, place};
use crate::archive::BuildId;

/// A payload to be written.
#[derive(Debug)]
pub struct Specification<'a> {
    /// The name.
    pub name: &'a str,
    /// The image that is patched.
    pub image: &'a Image,
    /// Its build id.
    pub build_id: BuildId,
    /// The id of the payload that must be the last one applied.
    pub parent: Option<Id>,
    /// Functions and data.
    pub parts: &'a [Part],
    /// The functions that are hooks.
    pub hooks: &'a [(HookKind, usize)],
    /// Addresses of the image with the words that must be there.
    pub expectations: &'a [(u64, u32)],
    /// Log strings that the image does not have.
    pub log_strings: &'a [LogString],
}

/// A log string of `defmt`, which is not loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogString {
    /// The symbol, whose name contains the string.
    pub symbol: String,
    /// The number that the code has for it.
    pub index: u64,
}

/// Writes a payload.
///
/// # Errors
/// The loader could not use it; the error names the function or the place.
pub fn write(spec: &Specification<'_>) -> Result<Vec<u8>, PayloadBuildError> {
    let Specification { image, parts, .. } = *spec;
    let is_text = |c: char| !c.is_control();
    if spec.name.is_empty() || spec.name.len() > 127 || !spec.name.chars().all(is_text) {
        return Err(PayloadBuildError::Name(spec.name.to_owned()));
    }
    let hook_parts: Vec<_> = spec.hooks.iter().map(|(_, number)| *number).collect();
    let order = order::of(parts, &hook_parts);
    let functions: Vec<_> = order
        .iter()
        .map(|number| (*number, &parts[*number]))
        .filter(|(_, part)| part.kind == PartKind::Function)
        .collect();
    let replaced = || functions.iter().filter(|(_, part)| part.replaces.is_some());
    if replaced().count() == 0 && spec.hooks.is_empty() {
        return Err(PayloadBuildError::Nothing);
    }
    let names: Vec<_> = functions.iter().map(|(_, part)| &*part.label).collect();
    let placed = place::place(parts, &order, &names, spec.build_id.anchor)?;
    let names: Vec<_> = names
        .iter()
        .zip(&placed.names)
        .map(|(name, start)| (*start, name.len() as u32))
        .collect();

    let old = OldImage::new(image).map_err(|why| PayloadBuildError::Site {
        name: spec.name.to_owned(),
        address: 0,
        why,
    })?;
    let (mut entries, mut words, mut symbols) = (Vec::new(), Vec::new(), Vec::new());
    for ((number, part), (name, name_len)) in functions.iter().zip(names) {
        let (new, new_size) = (placed.places[*number] as u32, part.size as u32);
        let Some(replaced) = part.replaces else {
            symbols.push(Symbol {
                start: new,
                size: new_size,
                name,
                name_len,
            });
            continue;
        };
        let first = part.word(0).unwrap_or_default();
        let range = (replaced.address, replaced.size);
        let entry = old.entry(&part.label, range, first)?;
        if replaced.may_be_running {
            old.does_not_loop(&part.label, range, entry.landing_pad)?;
        }
        let mut flags = 0;
        if entry.landing_pad {
            flags |= FUNCTION_LANDING_PAD;
        }
        if replaced.may_be_running {
            flags |= FUNCTION_MAY_BE_RUNNING;
        }
        entries.push(Function {
            old: spec.distance(&part.label, replaced.address)? as u32,
            old_size: replaced.size as u32,
            new,
            new_size,
            name,
            name_len,
            flags,
            first_word: words.len() as u32,
            word_count: entry.words.len() as u32,
        });
        words.extend(entry.words);
    }
    twice(&functions)?;
    symbols.sort_by_key(|symbol| symbol.start);

    let mut hooks = [NONE; HOOKS];
    for (kind, number) in spec.hooks {
        hooks[*kind as usize] = placed.places[*number] as u32;
    }
    let mut expectations = Vec::new();
    for (address, word) in spec.expectations {
        let label = image.label(*address);
        expectations.push(Expectation {
            place: spec.distance(&label, *address)? as u32,
            word: *word,
        });
    }
    let contents = description::Contents {
        name: spec.name,
        image: spec.build_id.id,
        parent: spec.parent.unwrap_or(spec.build_id.id),
        functions: &entries,
        words: &words,
        expectations: &expectations,
        symbols: &symbols,
        hooks,
        has_state: placed.segments[2].size != 0,
    };
    let description = description::write(&contents, &placed);
    let (mut file, at) = elf::write(
        &placed.segments,
        &description,
        &elf_symbols(spec, &order, &placed),
    )?;
    let id = description::id(&file);
    let at = at + Header::ID_OFFSET;
    file[at..at + ID_LEN].copy_from_slice(&id);
    Ok(file)
}

impl Specification<'_> {
    fn distance(&self, name: &str, address: u64) -> Result<i32, PayloadBuildError> {
        let distance = address.wrapping_sub(self.build_id.anchor) as i64;
        i32::try_from(distance).map_err(|_| PayloadBuildError::TooFar {
            name: name.to_owned(),
            address,
        })
    }
}

/// Refuses two replacements of one function, which follow each other in the order.
fn twice(functions: &[(usize, &Part)]) -> Result<(), PayloadBuildError> {
    for pair in functions.windows(2) {
        if let [(_, one), (_, other)] = pair
            && let (Some(first), Some(second)) = (one.replaces, other.replaces)
            && first.address == second.address
        {
            return Err(PayloadBuildError::Twice {
                name: one.label.clone(),
                other: other.label.clone(),
                address: first.address,
            });
        }
    }
    Ok(())
}

/// Functions and statics by their mangled names, which debuggers demangle, and log strings.
fn elf_symbols(
    spec: &Specification<'_>,
    order: &[usize],
    placed: &place::Placed,
) -> Vec<elf::Symbol> {
    let parts = order.iter().map(|number| (*number, &spec.parts[*number]));
    let mut symbols: Vec<_> = parts
        .filter(|(_, part)| !part.symbol.is_empty())
        .filter_map(|(number, part)| {
            let segment = match part.kind {
                PartKind::Function => 0,
                PartKind::Constant => 1,
                PartKind::Data => 2,
                _ => return None,
            };
            Some(elf::Symbol {
                name: part.symbol.clone(),
                place: elf::Place::Segment(segment),
                value: placed.places[number],
                size: part.size,
                is_function: part.kind == PartKind::Function,
            })
        })
        .collect();
    symbols.extend(spec.log_strings.iter().map(|string| elf::Symbol {
        name: string.symbol.clone(),
        place: elf::Place::LogStrings,
        value: string.index,
        size: 1,
        is_function: false,
    }));
    symbols
}
