//! A payload as a document, for `alt livepatch show`.

use alt_image::image::Image;
use alt_runtime::livepatch::Payload;
use alt_runtime::livepatch::format::{
    BASE_IMAGE, FUNCTION_LANDING_PAD, FUNCTION_MAY_BE_RUNNING, HookKind, NONE, PAYLOAD_HAS_STATE,
};
use object::read::elf::{ElfFile64, ProgramHeader as _};
use object::{LittleEndian, Object as _, ObjectSection as _, ObjectSymbol as _, elf};
use serde::Serialize;

use super::{LOG_STRINGS, hex};
use crate::archive::BuildId;

/// A payload as a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Incremented when a field is removed or changes its meaning.
    pub version: u32,
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The build id of the image that it is for.
    pub image: String,
    /// The id of the payload that must be the last one applied; absent if it is the image.
    pub parent: Option<String>,
    /// Bytes of the file.
    pub file_size: usize,
    /// The loaded segments.
    pub segments: Vec<Segment>,
    /// Whether it has writable data, so that it must be loaded again before it is applied again.
    pub has_state: bool,
    /// The functions that it replaces.
    pub functions: Vec<Function>,
    /// Its other functions.
    pub new_functions: Vec<NewFunction>,
    /// The functions that the kernel calls.
    pub hooks: Vec<Hook>,
    /// The words that must be in memory.
    pub expectations: Vec<Expectation>,
    /// The number of its sites of `cpu_has_cap!`.
    pub branches: u32,
    /// The number of its records of alternatives.
    pub alternatives: u32,
    /// The number of relocations against the image.
    pub image_relocations: usize,
    /// The number of relocations against the payload itself.
    pub payload_relocations: usize,
    /// The log strings that the image does not have.
    pub log_strings: Vec<LogString>,
}

/// A loaded segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// `r-x`, `r--` or `rw-`.
    pub access: &'static str,
    /// The offset from the payload's base.
    pub start: u64,
    /// Bytes in memory.
    pub size: u64,
}

/// A function that is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The old function, from the image's build id.
    pub old: i32,
    /// Its address, if the image is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<u64>,
    /// Bytes of the old function.
    pub old_size: u32,
    /// The new function, from the payload's base.
    pub new: u32,
    /// Bytes of the new function.
    pub new_size: u32,
    /// The branch is after a landing pad.
    pub landing_pad: bool,
    /// Calls in progress may finish in the old function.
    pub may_be_running: bool,
    /// The words that may be where the branch will be.
    pub words: Vec<u32>,
}

/// A function that replaces nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewFunction {
    /// Its name.
    pub name: String,
    /// From the payload's base.
    pub start: u32,
    /// Bytes.
    pub size: u32,
}

/// A hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hook {
    /// `load`, `pre-apply`, `post-apply`, `pre-revert`, `post-revert`, `unload`.
    pub kind: &'static str,
    /// From the payload's base.
    pub start: u32,
    /// The function's name, if it has one.
    pub name: Option<String>,
}

/// A word that must be in memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expectation {
    /// The place, from the image's build id.
    pub place: i32,
    /// The place as function and offset, if the image is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The word.
    pub word: u32,
}

/// A log string.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogString {
    /// Its number.
    pub index: u64,
    /// The name of its symbol, which contains it.
    pub symbol: String,
}

/// The hooks by their name on the command line.
pub const HOOK_NAMES: [(&str, HookKind); 6] = [
    ("load", HookKind::Load),
    ("pre-apply", HookKind::PreApply),
    ("post-apply", HookKind::PostApply),
    ("pre-revert", HookKind::PreRevert),
    ("post-revert", HookKind::PostRevert),
    ("unload", HookKind::Unload),
];

/// The name of a hook on the command line.
pub(super) fn hook_name(hook: HookKind) -> &'static str {
    let mut names = HOOK_NAMES.iter();
    names
        .find(|(_, kind)| *kind == hook)
        .map_or("", |(name, _)| name)
}

impl Summary {
    /// Describes a payload; with the image, by its addresses. `file` is what `payload` was parsed
    /// from.
    pub fn new(file: &[u8], payload: &Payload<'_>, image: Option<(&Image, BuildId)>) -> Self {
        let header = payload.header();
        let address = |from_anchor: i32| {
            let (_, id) = image?;
            Some(id.anchor.wrapping_add_signed(from_anchor.into()))
        };
        let functions: Vec<_> = payload
            .functions()
            .map(|function| Function {
                name: payload.text(function.name, function.name_len).to_owned(),
                old: function.old as i32,
                address: address(function.old as i32),
                old_size: function.old_size,
                new: function.new,
                new_size: function.new_size,
                landing_pad: function.flags & FUNCTION_LANDING_PAD != 0,
                may_be_running: function.flags & FUNCTION_MAY_BE_RUNNING != 0,
                words: payload.words(&function).collect(),
            })
            .collect();
        let new_functions: Vec<_> = payload
            .symbols()
            .map(|symbol| NewFunction {
                name: payload.text(symbol.name, symbol.name_len).to_owned(),
                start: symbol.start,
                size: symbol.size,
            })
            .collect();
        let name_at = |start: u32| {
            let replaced = functions.iter().find(|function| function.new == start);
            let new = || {
                new_functions
                    .iter()
                    .find(|function| function.start == start)
            };
            let name = replaced.map(|function| &function.name);
            name.or_else(|| new().map(|function| &function.name))
                .cloned()
        };
        let hooks = HOOK_NAMES.iter().filter_map(|(kind, hook)| {
            let start = header.hooks[*hook as usize];
            (start != NONE).then(|| Hook {
                kind,
                start,
                name: name_at(start),
            })
        });
        let (against_image, against_payload): (Vec<_>, Vec<_>) = payload
            .relocations()
            .partition(|relocation| relocation.base() == BASE_IMAGE);
        let expectations = payload.expectations().map(|expectation| {
            let place = expectation.place as i32;
            Expectation {
                place,
                label: address(place).and_then(|at| Some(image?.0.label(at))),
                word: expectation.word,
            }
        });
        let (segments, log_strings) = elf(file);
        Self {
            version: 1,
            name: payload.name().to_owned(),
            id: hex(&payload.id()),
            image: hex(&payload.image()),
            parent: (payload.parent() != payload.image()).then(|| hex(&payload.parent())),
            file_size: file.len(),
            segments,
            has_state: header.flags & PAYLOAD_HAS_STATE != 0,
            hooks: hooks.collect(),
            expectations: expectations.collect(),
            branches: header.branches.len,
            alternatives: header.alternatives.len,
            image_relocations: against_image.len(),
            payload_relocations: against_payload.len(),
            functions,
            new_functions,
            log_strings,
        }
    }

    /// Bytes that stay in memory while the payload is loaded: whole pages for each segment.
    pub fn resident(&self, page: u64) -> u64 {
        self.segments
            .iter()
            .map(|segment| segment.size.next_multiple_of(page))
            .sum()
    }
}

/// The parts that the loader does not read: segments, and the data for debuggers and log decoders.
fn elf(file: &[u8]) -> (Vec<Segment>, Vec<LogString>) {
    let Ok(parsed) = ElfFile64::<LittleEndian>::parse(file) else {
        return Default::default();
    };
    let loaded = parsed.elf_program_headers().iter();
    let loaded = loaded.filter(|header| header.p_type(LittleEndian) == elf::PT_LOAD);
    let segments = loaded.map(|header| Segment {
        access: match header.p_flags(LittleEndian) {
            flags if flags.contains(elf::PF_X) => "r-x",
            flags if flags.contains(elf::PF_W) => "rw-",
            _ => "r--",
        },
        start: header.p_vaddr(LittleEndian),
        size: header.p_memsz(LittleEndian),
    });
    let section = parsed
        .section_by_name(LOG_STRINGS)
        .map(|section| section.index());
    let strings = parsed
        .symbols()
        .filter(|symbol| section.is_some() && symbol.section_index() == section);
    let strings = strings.map(|symbol| LogString {
        index: symbol.address(),
        symbol: symbol.name().unwrap_or_default().to_owned(),
    });
    (segments.collect(), strings.collect())
}
