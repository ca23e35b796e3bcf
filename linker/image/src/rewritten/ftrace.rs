//! Entries of functions, where the tracer puts a call.
//!
//! `__mcount_loc` is a table of pointers, in one of three forms
//! (`arch/arm64/kernel/ftrace.c`):
//!
//! * `-fpatchable-function-entry=2` (Linux 5.5 to 6.2): to two NOPs at the start of the function. The
//!   first becomes `mov x9, x30`, the second `bl ftrace_caller`.
//! * `-fpatchable-function-entry=4,2` (from 6.3): to two NOPs before the function, which become the
//!   address of a `struct ftrace_ops`; the two NOPs at the start, after BTI if there is one, are as in
//!   the first form. Entries that are not aligned to 8 bytes are never written.
//! * `-pg`: to `bl _mcount`, which becomes a NOP or `bl ftrace_caller`.

use alt_runtime::Insn;

use super::{Legal, Means, Rewritten, call};
use crate::image::Image;

const NOP: u32 = Insn::NOP.0;
/// `mov x9, x30`
const SAVE_RETURN: u32 = 0xaa1e_03e9;
/// `bti`, with any of the targets C, J and JC (Arm ARM C6.2.42: bits 6 and 7).
const BTI: u32 = 0xd503_241f;
const BTI_TARGETS: u32 = 0b11 << 6;

/// The functions that a traced function calls.
const CALLERS: [&str; 3] = ["ftrace_caller", "ftrace_regs_caller", "ftrace_common"];

/// The structures whose address the tracer stores before a function: the default, and those of the kernel itself.
const OPS: [&str; 3] = ["ftrace_nop_ops", "ftrace_list_ops", "global_ops"];

/// Branches in the trampolines of the tracer that it aims at its users.
const CALLS: [&str; 1] = ["ftrace_call"];

pub(super) fn add(places: &mut Rewritten, image: &Image, slide: u64) {
    let bounds = image.between("__start_mcount_loc", "__stop_mcount_loc");
    let section = || Some(image.section("__mcount_loc")?.range.clone());
    let Some(range) = bounds.or_else(section) else {
        return;
    };
    let entries: Vec<u64> = range
        .step_by(8)
        .filter_map(|at| image.pointer_at(at).filter(|entry| *entry != 0))
        .collect();
    let before_function = has_literals(image, &entries);
    for entry in entries {
        match image.word(entry) {
            Some(NOP) if before_function => {
                if !entry.is_multiple_of(8) {
                    continue;
                }
                let values: Vec<u64> = OPS
                    .iter()
                    .filter_map(|name| image.symbol(name))
                    .map(|ops| ops.wrapping_add(slide))
                    .collect();
                places.add_optional(image, entry, Means::Ftrace, &values);
                let start = entry.wrapping_add(8);
                let is_landing_pad = image.word(start).is_some_and(is_bti);
                add_calls(
                    places,
                    image,
                    start.wrapping_add(4 * u64::from(is_landing_pad)),
                );
            }
            Some(NOP) => add_calls(places, image, entry),
            // A compiler may count the landing pad.
            Some(word) if is_bti(word) => add_calls(places, image, entry.wrapping_add(4)),
            Some(_) => {
                let mut words = callers(image, entry);
                words.push(NOP);
                places.add(image, entry, Means::Ftrace, Legal::Words(words));
            }
            None => (),
        }
    }
    for at in CALLS.iter().filter_map(|name| image.symbol(name)) {
        places.add(image, at, Means::Ftrace, Legal::Call(vec![NOP]));
    }
    // The calls of the graph tracer: NOP, or B to its caller.
    if let (Some(at), Some(to)) = (
        image.symbol("ftrace_graph_call"),
        image.symbol("ftrace_graph_caller"),
    ) {
        let branch = Insn::branch(at, to).ok().map(|branch| branch.0);
        let words = [NOP].into_iter().chain(branch).collect();
        places.add(image, at, Means::Ftrace, Legal::Words(words));
    }
}

fn is_bti(word: u32) -> bool {
    word & !BTI_TARGETS == BTI
}

/// Whether the entries are two NOPs before functions. Functions with two NOPs for the tracer rarely
/// have two more after them; never all of an image.
fn has_literals(image: &Image, entries: &[u64]) -> bool {
    let is_nop = |at: u64| image.word(at) == Some(NOP);
    let mut patchable = entries.iter().filter(|entry| is_nop(**entry)).peekable();
    patchable.peek().is_some()
        && patchable.all(|entry| {
            let function = entry.wrapping_add(8);
            let pad = image.word(function).is_some_and(is_bti);
            let first = function.wrapping_add(4 * u64::from(pad));
            is_nop(first) && is_nop(first.wrapping_add(4))
        })
}

/// The two instructions at the start of a function.
fn add_calls(places: &mut Rewritten, image: &Image, at: u64) {
    let second = at.wrapping_add(4);
    places.add(image, at, Means::Ftrace, Legal::Words(vec![SAVE_RETURN]));
    let words = callers(image, second);
    places.add(image, second, Means::Ftrace, Legal::Words(words));
}

fn callers(image: &Image, at: u64) -> Vec<u32> {
    let targets = CALLERS.iter().filter_map(|name| image.symbol(name));
    targets.filter_map(|target| call(at, target)).collect()
}

/// Whether a word is BL to the start of a function of the image.
pub(super) fn calls_function(image: &Image, at: u64, word: u32) -> bool {
    let is_call = word >> 26 == 0b10_0101;
    let target = at.wrapping_add_signed(i64::from((word << 6) as i32 >> 4));
    let symbols = image.symbols().starting_at(target);
    is_call && symbols.iter().any(|symbol| symbol.function)
}
