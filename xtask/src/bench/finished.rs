//! The cost of a pass over a finished table: the tables of the other measurements, finished by
//! `alt-image`, and the same expected text.

use super::{
    guest,
    linux::SiteKind,
    measure::Measured,
    shape::{self, RECORDS, Shape},
    table::{self, Caps, Table},
    trace::CacheOp,
};
use crate::sizes::Stack;
use alt_image::finished::{Outcome, write};
use alt_runtime::record::{AlternativeRecord, BranchRecord};
use alt_runtime::region::{Region, Table as Records, Words};
use alt_runtime::{Callback, Insn, Site};
use qemu_tests::{Image, Qemu};
use std::{error::Error, fs, sync::atomic::AtomicU32};

/// The cost of a pass over one finished table.
struct Cost {
    /// Instructions of the plan of a first pass and of the commit.
    total: u64,
    /// Records whose cpucap is present.
    applied: u64,
    /// DC instructions, and cache lines that hold words that changed.
    dc: u64,
    lines: u64,
    /// Bytes of the table.
    bytes: u64,
}

/// The line about finished tables.
pub(super) fn summary(
    qemu: &Qemu,
    image: &Image,
    measured: &Measured,
) -> Result<String, Box<dyn Error>> {
    let all = shape::scaled(RECORDS);
    let applied = |shapes: &[Shape], caps| -> Result<(f64, Cost), Box<dyn Error>> {
        let [most, none] = [caps, Caps::None].map(|caps| cost(qemu, image, shapes, caps));
        let (most, none) = (most?, none?);
        let skipped = none.total as f64 / shapes.len() as f64;
        let rest = most.total as f64 - skipped * (shapes.len() as u64 - most.applied) as f64;
        Ok((rest / most.applied as f64, most))
    };
    let few = RECORDS / 5;
    let branches = shape::of_kinds(few, |kind| kind == SiteKind::LikelyBranch);
    let words = shape::of_kinds(few, |kind| {
        matches!(kind, SiteKind::NopsToCode(1) | SiteKind::CodeToCode(1))
    });
    let (branch, _) = applied(&branches, Caps::All)?;
    let (word, _) = applied(&words, Caps::All)?;
    let (record, most) = applied(&all, Caps::Most)?;
    let none = cost(qemu, image, &all, Caps::None)?;
    let host = cost(qemu, image, &all, Caps::Host)?;
    let boot = measured
        .peers
        .iter()
        .find(|line| line.group == "boot" && line.name == "all | 73");
    let boot = boot
        .ok_or("the guest has not counted the path of a boot")?
        .value;
    let (text, stack) = size(image)?;
    Ok(format!(
        "finished: branch={branch:.1} word={word:.1} record={record:.1} skipped={:.2} table={} text={text} stack={stack} boot={boot} dc_per_line={:.3} dc_per_line_el2={:.3}",
        none.total as f64 / RECORDS as f64,
        most.bytes,
        most.dc as f64 / most.lines as f64,
        host.dc as f64 / host.lines as f64,
    ))
}

/// Counts a pass over the finished table of sites of these kinds.
fn cost(qemu: &Qemu, image: &Image, shapes: &[Shape], caps: Caps) -> Result<Cost, Box<dyn Error>> {
    let mut table = Table::of(shapes, caps, image.symbol("BENCH_CALLBACK")?);
    let bytes = finish(&mut table)?;
    let pass = guest::run_pass(qemu, image, &table)?;
    for (name, expected) in [
        ("sites", shapes.len() as u64),
        ("applied", table.applied as u64),
        ("words", table.words as u64),
        ("text", table.digest),
    ] {
        let found = pass.get(name)?;
        if found != expected {
            let caps = caps.name();
            return Err(format!(
                "finished table, {caps} cpucaps: `{name}` is {found}, expected {expected}"
            )
            .into());
        }
    }
    let dc = pass.operations.iter();
    Ok(Cost {
        total: pass.get("first plan")? + pass.get("commit")?,
        applied: table.applied as u64,
        dc: dc.filter(|op| matches!(op, CacheOp::Dc(_))).count() as u64,
        lines: table.lines.len() as u64,
        bytes: bytes as u64,
    })
}

/// Replaces the records of a table by the finished ones. Returns their size in bytes.
fn finish(table: &mut Table) -> Result<usize, Box<dyn Error>> {
    let part = |address: u64, len: u64| {
        let start = (address - table::ADDRESS) as usize;
        start..start + len as usize
    };
    // A magic number, then addresses and numbers of elements.
    let header = |index: usize| {
        let (values, _) = table.bytes.as_chunks::<8>();
        u64::from_le_bytes(values[index])
    };
    let words = |index| {
        let (words, _) = table.bytes[part(header(index), 4 * header(index + 1))].as_chunks::<4>();
        let words = words
            .iter()
            .map(|word| AtomicU32::new(u32::from_ne_bytes(*word)));
        words.collect::<Vec<_>>()
    };
    let (text, replacements) = (words(1), words(7));
    let (branches, _) = table.bytes[part(header(3), 8 * header(4))].as_chunks::<8>();
    let branches: Vec<_> = branches
        .iter()
        .map(|bytes| BranchRecord::from_le_bytes(*bytes))
        .collect();
    let (records, _) = table.bytes[part(header(5), 12 * header(6))].as_chunks::<12>();
    let records: Vec<_> = records
        .iter()
        .map(|bytes| AlternativeRecord::from_le_bytes(*bytes))
        .collect();
    let nothing = |_: &Site<'_>, _: &mut [Insn]| Ok(());
    let callback = [Callback::new("BENCH_CALLBACK", nothing)];
    let region = Region {
        text: Words::new(header(1), &text).into(),
        branches: Records::new(header(3), &branches),
        alternatives: Records::new(header(5), &records),
        replacements: Words::new(header(7), &replacements),
        callbacks: Records::new(table.callback, &callback),
    };
    // The table begins where the first one does, and ends before the room.
    let (start, end) = (header(3), header(9));
    let outcome = write(&region, start, (end - start) as usize)?;
    let Outcome::Finished(written) = outcome else {
        return Err(format!("a table that stays raw: {outcome:?}").into());
    };
    let bytes = written.bytes();
    let elements = bytes.len().div_ceil(12) as u64;
    let at = part(start, bytes.len() as u64);
    table.bytes[at].copy_from_slice(&bytes);
    for (index, value) in [(3, start), (4, 0), (5, start), (6, elements)] {
        table.bytes[8 * index..8 * index + 8].copy_from_slice(&u64::to_le_bytes(value));
    }
    Ok(bytes.len())
}

/// The bytes of the functions of the pass, and the stack that a plan takes, of this guest.
fn size(image: &Image) -> Result<(u64, u64), Box<dyn Error>> {
    let image = alt_image::image::Image::parse(fs::read(image.path())?)?;
    let functions = image.symbols().iter().filter(|symbol| symbol.function);
    let of_pass = functions.filter(|symbol| image.label(symbol.range.start).contains("finished"));
    let text = of_pass
        .map(|symbol| symbol.range.end - symbol.range.start)
        .sum();
    let depth = Stack::new(&image).of("finished::plan")?.unwrap_or_default();
    Ok((text, depth.bytes))
}
