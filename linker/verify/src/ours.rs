//! The parts of the patcher in an image: its tables, the room for its plan, its code.

use std::ops::Range;

use alt_image::image::demangle;
use alt_image::records::alt::WRITE;

use crate::context::Context;

/// A part of the patcher, and its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// For messages: `the table alt_records`.
    pub what: String,
    pub range: Range<u64>,
}

/// Room for the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub part: Part,
    /// The name of the static, if the kernel provides the room.
    pub handed_in: Option<String>,
}

/// Its tables that are not empty.
pub(crate) fn tables(context: &Context<'_>) -> Vec<Part> {
    let records = context.records;
    let tables = [
        &records.branches,
        &records.alternatives,
        &records.replacements,
        &records.callbacks,
    ];
    let tables = tables.into_iter().filter(|table| !table.range.is_empty());
    let parts = tables.map(|table| Part {
        what: format!("the table {}", table.name),
        range: table.range.clone(),
    });
    parts.collect()
}

/// The room for its plan: that of the linker script, and the statics of the kernel that are
/// recognised by name.
pub(crate) fn rooms(context: &Context<'_>) -> Vec<Room> {
    let plan = &context.records.plan;
    let reserved = (!plan.range.is_empty()).then(|| Room {
        part: Part {
            what: format!("the room for the plan, {},", plan.name),
            range: plan.range.clone(),
        },
        handed_in: None,
    });
    let named = &context.config.kernel.room;
    let statics: Vec<_> = match named.is_empty() {
        true => statics(context),
        false => named.clone(),
    };
    let handed_in = statics.into_iter().map(|(name, range)| Room {
        part: Part {
            what: format!("the room for the plan, {name},"),
            range,
        },
        handed_in: Some(name),
    });
    reserved.into_iter().chain(handed_in).collect()
}

/// The statics with the name in the documentation, `ROOM`, and a size that a `Room<N>` can have: some
/// entries and a flag, in `.bss`.
fn statics(context: &Context<'_>) -> Vec<(String, Range<u64>)> {
    let image = context.image;
    let symbols = image.symbols().iter();
    // Filter before demangling, which is slow.
    let named = symbols.filter(|symbol| {
        symbol.name.contains("ROOM") && !symbol.function && !symbol.range.is_empty()
    });
    let named = named.filter(|symbol| {
        (symbol.range.end - symbol.range.start) % WRITE == align_of::<u32>() as u64
    });
    let is_static = named.filter(|symbol| {
        let section = image.section_at(symbol.range.start);
        section.is_some_and(|section| !section.executable && !section.has_bytes())
    });
    let statics = is_static.filter_map(|symbol| {
        let name = demangle(&symbol.name);
        (name.rsplit("::").next() == Some("ROOM")).then(|| (name, symbol.range.clone()))
    });
    statics.collect()
}

/// The functions of alt-runtime, by address.
pub(crate) fn functions(context: &Context<'_>) -> impl Iterator<Item = Part> {
    let symbols = context.image.symbols().iter();
    let functions = symbols.filter(|symbol| {
        symbol.function && !symbol.absolute && symbol.name.contains("alt_runtime")
    });
    functions.filter_map(|symbol| {
        let what = demangle(&symbol.name);
        let is_ours = what.trim_start_matches('<').starts_with("alt_runtime::");
        let range = context.image.extent(symbol).filter(|_| is_ours)?;
        Some(Part { what, range })
    })
}

/// The script of alt-linker that placed the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fragment {
    /// `INCLUDE alternatives-init.x`, which also reserves the room.
    Init,
    /// `-Talternatives.x`, after `.rodata`.
    Rodata,
    /// Neither: the linker or the script of the kernel placed them.
    Absent,
}

pub(crate) fn fragment(context: &Context<'_>) -> Fragment {
    let has = |name: &str| context.image.symbol(name).is_some();
    match (has("__alt_init_fragment"), has("__alt_rodata_fragment")) {
        (true, _) => Fragment::Init,
        (false, true) => Fragment::Rodata,
        (false, false) => Fragment::Absent,
    }
}
