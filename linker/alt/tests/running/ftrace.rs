//! Entries of functions for ftrace, as GCC 12 and Clang 14, 19 and 22 write them, and as Linux changes
//! them (`ftrace_call_adjust` and `ftrace_make_call` of its `arch/arm64/kernel/ftrace.c`).

use alt_image::rewritten::Means;
use test_support::elf_file::{ALLOC, EXEC, Elf, Section, words};

use crate::kernel::{BASE, BTI_C, NOP, SAVE, branch};
use crate::places::{accounted, compared};

const TABLE: u64 = BASE + 0x2000;
const DATA: u64 = BASE + 0x3000;
const NOP_OPS: u64 = DATA + 32;
const LIST_OPS: u64 = DATA + 40;

// Words of the text by index.
const SITE: usize = 0;
const CALLER: usize = 4;
const MCOUNT: usize = 6;
/// Two functions, aligned to 8 bytes. Only the first one is traced.
const FIRST: usize = 16;
const SECOND: usize = 32;

/// The body of a function: `add w0, w0, w0, lsl #1`, `ret`.
const BODY: [u32; 2] = [0x0b00_0400, 0xd65f_03c0];
const PACIASP: u32 = 0xd503_233f;

/// A way to compile: the words before the body as linked, the place to which `__mcount_loc` refers,
/// and the words of a traced function; both by index into these words.
struct Form {
    name: &'static str,
    linked: Vec<u32>,
    entry: usize,
    /// A call to this word, at this index.
    calls: Vec<(usize, usize)>,
    traced: Vec<(usize, u32)>,
    /// The index of the address of `ftrace_list_ops`.
    ops: Option<usize>,
}

/// `bti c` or another landing pad, if there is one, two NOPs, and the rest of a prologue.
fn entry(name: &'static str, before: usize, pad: Option<u32>, rest: &[u32]) -> Form {
    let start = before + usize::from(pad.is_some());
    let mut linked = vec![NOP; before];
    linked.extend(pad);
    linked.extend([NOP; 2]);
    linked.extend(rest);
    Form {
        name,
        linked,
        entry: if before == 0 { start } else { 0 },
        calls: vec![(start + 1, CALLER)],
        traced: vec![(start, SAVE)],
        ops: (before != 0).then_some(0),
    }
}

fn forms() -> Vec<Form> {
    // `stp x29, x30, [sp, #-32]!`, `mov x29, sp`, `xpaclri`, `mov x0, x30`.
    let [frame, pointer, strip, address] = [0xa9be_7bfd, 0x9100_03fd, 0xd503_20ff, 0xaa1e_03e0];
    let mcount = |name, before: &[u32]| Form {
        name,
        linked: [before, &[branch(true, FIRST + before.len(), MCOUNT)]].concat(),
        entry: before.len(),
        calls: vec![(before.len(), CALLER)],
        traced: Vec::new(),
        ops: None,
    };
    vec![
        entry("-fpatchable-function-entry=2", 0, None, &[]),
        entry("=2, BTI", 0, Some(BTI_C), &[]),
        entry("=2, BTI, PAC", 0, Some(BTI_C), &[PACIASP]),
        entry("=4,2", 2, None, &[]),
        entry("=4,2, BTI", 2, Some(BTI_C), &[]),
        entry("=4,2, BTI, PAC", 2, Some(BTI_C), &[PACIASP]),
        // A function that is also the target of an indirect jump: `bti jc`.
        entry("=4,2, BTI JC", 2, Some(0xd503_24df), &[]),
        mcount("-pg of GCC", &[frame, pointer, strip, address]),
        mcount(
            "-pg of GCC, PAC",
            &[PACIASP, frame, pointer, strip, address],
        ),
        mcount("-pg of Clang", &[frame, pointer]),
    ]
}

fn text(form: &Form, first: usize) -> Vec<u32> {
    let mut text: Vec<u32> = (0..64).map(|index| 0xd280_0000 | index << 5).collect();
    for start in [first, SECOND] {
        let mut function = form.linked.clone();
        if form.name.starts_with("-pg") {
            function[form.entry] = branch(true, start + form.entry, MCOUNT);
        }
        function.extend(BODY);
        text[start..start + function.len()].copy_from_slice(&function);
    }
    text
}

fn image(form: &Form, first: usize) -> Elf {
    let entries = [first, SECOND].map(|start| BASE + 4 * (start + form.entry) as u64);
    // One record, of a cpucap that is absent.
    let mut data: Vec<u8> = entries.map(u64::to_le_bytes).concat();
    data.resize(64, 0);
    let row = |field: u64, to: usize| (BASE + 4 * to as u64).wrapping_sub(field) as u32;
    let record = [row(TABLE, SITE), row(TABLE + 4, 8), 9 | 4 << 16 | 4 << 24];
    let mut elf = Elf::new(vec![
        Section::new(".text", ALLOC | EXEC, BASE, words(&text(form, first))),
        Section::new(".altinstructions", ALLOC, TABLE, words(&record)),
        Section::new(".data", ALLOC, DATA, data),
    ]);
    for (name, index) in [("ftrace_caller", CALLER), ("_mcount", MCOUNT)] {
        elf.symbol(name, 2, 1, BASE + 4 * index as u64, 8);
    }
    for (name, address) in [
        ("__start_mcount_loc", DATA),
        ("__stop_mcount_loc", DATA + 16),
        ("ftrace_nop_ops", NOP_OPS),
        ("ftrace_list_ops", LIST_OPS),
    ] {
        elf.symbol(name, 0, 3, address, 0);
    }
    elf
}

/// The text while the first function is traced, and the second is not.
fn traced(form: &Form, first: usize) -> Vec<u32> {
    let mut text = text(form, first);
    for (at, to) in &form.calls {
        text[first + at] = branch(true, first + at, *to);
    }
    for (at, word) in &form.traced {
        text[first + at] = *word;
    }
    for (start, ops) in [(first, LIST_OPS), (SECOND, NOP_OPS)] {
        if let Some(at) = form.ops {
            text[start + at] = ops as u32;
            text[start + at + 1] = (ops >> 32) as u32;
        }
    }
    if form.name.starts_with("-pg") {
        text[SECOND + form.entry] = NOP;
    }
    text
}

fn wrong(elf: &Elf, text: &[u32]) -> Vec<u64> {
    compared(elf, &[(BASE, words(text))]).0
}

#[test]
fn functions_of_each_compiler_may_be_traced() {
    for form in forms() {
        let elf = image(&form, FIRST);
        let linked = text(&form, FIRST);
        assert_eq!(wrong(&elf, &linked), [0; 0], "{}", form.name);
        let running = traced(&form, FIRST);
        let (found, comparison) = compared(&elf, &[(BASE, words(&running))]);
        assert_eq!(found, [0; 0], "{}", form.name);
        let pairs = running.iter().zip(&linked);
        let changed = pairs.filter(|(new, old)| new != old).count();
        assert_eq!(accounted(&comparison, Means::Ftrace).1, changed);
        // Every other word is the one difference.
        for index in FIRST..SECOND + 12 {
            for bit in [0, 7, 16, 31] {
                let mut running = running.clone();
                running[index] ^= 1 << bit;
                let expected = [BASE + 4 * index as u64];
                assert_eq!(wrong(&elf, &running), expected, "{}: {index}", form.name);
            }
        }
    }
}

/// Linux traces no function whose words before it are not a doubleword that is stored at once.
#[test]
fn a_misaligned_entry_is_never_written() {
    let form = entry("=4,2", 2, None, &[]);
    let first = FIRST + 1;
    let elf = image(&form, first);
    let mut running = traced(&form, first);
    let expected: Vec<u64> = (first..first + 4).map(|at| BASE + 4 * at as u64).collect();
    assert_eq!(wrong(&elf, &running), expected);
    running[first..first + 4].fill(NOP);
    assert_eq!(wrong(&elf, &running), [0; 0]);
}
