//! Bounds of the parts of a kernel, from its symbols or the rules file.
//!
//! Kernels set the permissions of their pages by such symbols, and use the memory after the last
//! one. Memory outside of the bounds is not mapped, or has the wrong permissions.

use std::ops::Range;

use alt_image::image::{Image, Symbol};

use crate::config::{BoundsOf, Config};

/// The symbols of a part, without leading and trailing underscores.
type Ends = (&'static str, &'static str);

const TEXT: &[Ends] = &[
    ("stext", "etext"),
    ("text", "etext"),
    ("text_start", "text_end"),
    ("code_start", "code_end"),
    ("text_begin", "text_end"),
    ("start_text", "end_text"),
    ("sinittext", "einittext"),
    ("inittext_begin", "inittext_end"),
    ("init_text_start", "init_text_end"),
];

const READ_ONLY: &[Ends] = &[
    ("srodata", "erodata"),
    ("rodata_start", "rodata_end"),
    ("rodata_begin", "rodata_end"),
    ("start_rodata", "end_rodata"),
];

const DATA: &[Ends] = &[
    ("sdata", "edata"),
    ("data_start", "data_end"),
    ("data_begin", "data_end"),
    ("start_data", "end_data"),
    ("sbss", "ebss"),
    ("bss_start", "bss_end"),
    ("bss_begin", "bss_end"),
    ("bss_start", "bss_stop"),
    ("start_bss", "end_bss"),
];

/// The end of a kernel. `end` without underscores may be a label in assembler text.
const IMAGE_END: &[&str] = &[
    "end",
    "ekernel",
    "kernel_end",
    "end_kernel",
    "kernel_image_end",
    "image_end",
    "eimage",
];

/// The end of its last part, if there is no other symbol.
const BSS_END: &[&str] = &["ebss", "bss_end", "bss_stop", "end_bss"];

/// A part of a kernel, and the source of its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub range: Range<u64>,
    /// For messages: ``between `_stext` and `_etext` ``.
    pub said_by: String,
}

/// The end of a kernel, and its symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub address: u64,
    pub symbol: String,
}

/// The parts of a kernel; a list is empty if the bounds are unknown.
#[derive(Clone, Debug, Default)]
pub(crate) struct KernelBounds {
    pub text: Vec<Bounds>,
    pub read_only: Vec<Bounds>,
    pub data: Vec<Bounds>,
    pub init: Vec<Bounds>,
    pub end: Option<End>,
}

impl KernelBounds {
    /// The bounds in the rules file; for parts that it lacks, those of symbols with usual names.
    pub fn of(image: &Image, config: &Config) -> Self {
        let said = |of: BoundsOf| {
            let all = config.bounds.iter();
            all.filter(move |bounds| bounds.of == of)
        };
        let part = |of: BoundsOf, known: &[Ends]| {
            let from_file: Vec<_> = said(of)
                .flat_map(|bounds| &bounds.parts)
                .map(|(range, said_by)| Bounds {
                    range: range.clone(),
                    said_by: said_by.clone(),
                })
                .collect();
            match from_file.is_empty() {
                true => between(image, known),
                false => from_file,
            }
        };
        let init = config.init.iter();
        let init = init.flat_map(|init| init.places.ranges().iter().cloned());
        let init = init.chain(image.init()).map(|range| Bounds {
            range,
            said_by: "in the init region".into(),
        });
        let image_ends = said(BoundsOf::Image).filter_map(|bounds| bounds.end.clone());
        let image_ends = image_ends.map(|(address, symbol)| End { address, symbol });
        Self {
            text: part(BoundsOf::Text, TEXT),
            read_only: part(BoundsOf::ReadOnly, READ_ONLY),
            data: part(BoundsOf::Data, DATA),
            init: init.collect(),
            end: image_ends
                .max_by_key(|end| end.address)
                .or_else(|| end(image)),
        }
    }
}

/// The spellings of a name with underscores.
fn spellings(bare: &str) -> impl Iterator<Item = String> {
    (0..=3).flat_map(move |front| {
        (0..=2).map(move |behind| format!("{:_<front$}{bare}{:_<behind$}", "", ""))
    })
}

/// The symbol of this exact name, if it comes from a linker script: it has no size.
fn label<'a>(image: &'a Image, name: &str) -> Option<&'a Symbol> {
    let symbol = image.symbols().get(name)?;
    (symbol.range.is_empty() && !symbol.function).then_some(symbol)
}

/// The parts whose two symbols have the same spelling.
fn between(image: &Image, known: &[Ends]) -> Vec<Bounds> {
    let mut found = Vec::new();
    for (start, end) in known {
        for (start, end) in spellings(start).zip(spellings(end)) {
            let (Some(from), Some(to)) = (label(image, &start), label(image, &end)) else {
                continue;
            };
            if from.range.start < to.range.start {
                found.push(Bounds {
                    range: from.range.start..to.range.start,
                    said_by: format!("between `{start}` and `{end}`"),
                });
            }
        }
    }
    found
}

/// The last symbol for the end of the kernel.
fn end(image: &Image) -> Option<End> {
    // A symbol before the text is the end of another part, or a physical address.
    let texts = image.executable();
    let text = texts.max_by_key(|section| section.range.end - section.range.start)?;
    let last = |names: &[&str]| {
        let names = names.iter().flat_map(|bare| spellings(bare));
        let symbols = names.filter(|name| name != "end");
        let symbols = symbols.filter_map(|name| label(image, &name));
        let ends = symbols.filter(|symbol| symbol.range.start > text.range.start);
        ends.max_by_key(|symbol| symbol.range.start)
    };
    let found = last(IMAGE_END).or_else(|| {
        let found = last(BSS_END)?;
        // If a section of the kernel follows, the image does not end there.
        let mut sections = image.loaded();
        let goes_on = sections.any(|section| {
            section.range.start >= found.range.start && !section.name.contains("alt_")
        });
        (!goes_on).then_some(found)
    })?;
    Some(End {
        address: found.range.start,
        symbol: found.name.clone(),
    })
}
