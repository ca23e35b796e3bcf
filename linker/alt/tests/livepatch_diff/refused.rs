//! The behaviours 8 to 17 of docs/livepatch.md, each as a test of its number: what cannot be patched.

use std::fs;

use alt_livepatch::archive::Build;
use alt_livepatch::diff::{self, Options};
use alt_livepatch::model::Model;
use test_support::skip;

use super::check::check;
use super::edits::{MOVED, NEW_CHECK};
use super::support::{self, Built, Edit, Mode, Outcome};

/// The kernel and its change, with LTO off and further arguments of rustc.
fn compare(
    test: &str,
    old: (&[Edit<'_>], &[&str]),
    new: (&[Edit<'_>], &[&str]),
) -> Option<(Built, Built, Outcome)> {
    if skip::without_target(test) {
        return None;
    }
    let old = Built::new(Mode::Off, old.0, old.1);
    let new = Built::new(Mode::Off, new.0, new.1);
    let outcome = support::diff(&old.image(), &new.image(), &[]);
    Some((old, new, outcome))
}

#[test]
fn behaviour_08_an_initialiser_is_refused_with_both_values() {
    let edit = (
        "kernel.rs",
        "second: AtomicU32::new(2)",
        "second: AtomicU32::new(3)",
    );
    let Some((.., outcome)) = compare("behaviour_08", (&[], &[]), (&[edit], &[])) else {
        return;
    };
    assert_eq!(outcome.status, 3);
    assert_eq!(
        outcome.messages(),
        "the initial value of kernel::STATE changed from 0x200000001 to 0x300000001"
    );
}

#[test]
fn behaviour_09_a_layout_is_refused_with_type_and_offsets() {
    let edits = [
        (
            "kernel.rs",
            "    second: AtomicU32,\n",
            "    third: AtomicU32,\n    second: AtomicU32,\n",
        ),
        (
            "kernel.rs",
            "second: AtomicU32::new(2),",
            "second: AtomicU32::new(2), third: AtomicU32::new(3),",
        ),
        (
            "kernel.rs",
            "STATE.second.fetch_sub",
            "STATE.third.fetch_sub",
        ),
    ];
    let Some((.., outcome)) = compare("behaviour_09", (&[], &[]), (&edits, &[])) else {
        return;
    };
    assert_eq!(outcome.status, 3);
    let messages = outcome.messages();
    for part in [
        "the size of kernel::STATE changed from 8 to 12 bytes",
        "the layout of kernel::State changed from 8 bytes: first at 0, second at 4 to 12 bytes: ",
        "third at 4",
    ] {
        assert!(messages.contains(part), "{messages}");
    }
}

#[test]
fn behaviour_09_the_state_of_an_async_function_is_refused() {
    let edits = [
        (
            "kernel.rs",
            "    poke(by);\n    let second",
            "    let kept = TICKS.load(Ordering::Relaxed);\n    let second",
        ),
        (
            "kernel.rs",
            "first + second + by",
            "first + second + by + kept",
        ),
    ];
    let Some((.., outcome)) = compare("behaviour_09_async", (&[], &[]), (&edits, &[])) else {
        return;
    };
    assert_eq!(outcome.status, 3);
    let lines = outcome.lines();
    assert!(
        lines.contains(&"refused[state] kernel::wait::{async_fn_env#0}".to_owned()),
        "{lines:#?}"
    );
}

#[test]
fn behaviour_09_a_closure_that_is_called_by_a_pointer_is_refused() {
    let edit = ("kernel.rs", "sum += more;", "sum += more + by;");
    let Some((.., outcome)) = compare("behaviour_09_closure", (&[], &[]), (&[edit], &[])) else {
        return;
    };
    let lines = outcome.lines();
    // Here, the compiler has inlined the only call, so that no pointer is left.
    assert!(
        !lines.iter().any(|line| line.starts_with("refused")),
        "{lines:#?}"
    );
    assert_eq!(outcome.status, 1);
}

#[test]
fn behaviour_10_a_vtable_with_other_methods_is_refused() {
    let edits = [
        (
            "kernel.rs",
            "    fn start(&self, by: u32) -> u32;\n",
            "    fn start(&self, by: u32) -> u32;\n    fn stop(&self) -> u32 { self.id() ^ 9 }\n",
        ),
        (
            "kernel.rs",
            "device.start(by) + device.id()",
            "device.start(by) + device.id() + device.stop()",
        ),
    ];
    let expected = [
        "changed kernel::drive: body",
        "Fat| changed kernel::run: body",
        "Off| changed kernel::run: constant <kernel::Disk as kernel::Device>::{vtable}, \
         constant <kernel::Uart as kernel::Device>::{vtable}",
        "new kernel::Device::stop<kernel::Disk>",
        "new kernel::Device::stop<kernel::Uart>",
        MOVED[0],
        MOVED[1],
        MOVED[2],
        MOVED[3],
        "refused[vtable] <kernel::Disk as kernel::Device>",
        "refused[vtable] <kernel::Uart as kernel::Device>",
    ];
    check("behaviour_10", &edits, 3, &expected);
}

#[test]
fn behaviour_11_a_registry_entry_is_refused() {
    let Some((.., outcome)) = compare("behaviour_11", (&[], &[]), (&[NEW_CHECK], &[])) else {
        return;
    };
    assert_eq!(outcome.status, 3);
    assert_eq!(
        outcome.messages(),
        "new entry kernel::CHECK_TICK in the table checks"
    );
    // Removed, and changed.
    let removed = compare("behaviour_11", (&[NEW_CHECK], &[]), (&[], &[]));
    let (.., outcome) = removed.unwrap();
    assert_eq!(
        outcome.messages(),
        "removed entry kernel::CHECK_TICK in the table checks"
    );
    let edit = ("kernel.rs", "run: tock, level: 1", "run: tock, level: 2");
    let (.., outcome) = compare("behaviour_11", (&[], &[]), (&[edit], &[])).unwrap();
    assert_eq!(
        outcome.messages(),
        "changed entry kernel::CHECK_TOCK in the table checks"
    );
    // An entry without a symbol, by assembly.
    let edit = (
        "kernel.rs",
        "            \"5: ldr {value:w}, [{port}]\",\n",
        "            \"5: ldr {value:w}, [{port}]\",\n            \".pushsection ex_table,\\\"a\\\",@progbits\",\n            \
         \".long 5b - .\",\n            \".popsection\",\n",
    );
    let (.., outcome) = compare("behaviour_11", (&[], &[]), (&[edit], &[])).unwrap();
    assert_eq!(
        outcome.messages(),
        "new entry kernel::guarded in the table ex_table"
    );
}

#[test]
fn behaviour_12_init_patcher_and_hypervisor_functions_are_refused() {
    let edits = [
        ("kernel.rs", "by | 0x100", "by | 0x101"),
        ("kernel.rs", "by | 0x200", "by | 0x201"),
        ("kernel.rs", "by | 0x400", "by | 0x401"),
    ];
    let expected = [
        "changed kernel::at_el2: body",
        "changed kernel::set_up: body",
        "changed kernel::write_words: body",
        "refused[namespace] kernel::at_el2",
        "refused[init] kernel::set_up",
        "refused[patcher] kernel::write_words",
    ];
    check("behaviour_12", &edits, 3, &expected);
}

#[test]
fn behaviour_12_carried_code_cannot_use_boot_code() {
    let edit = ("kernel.rs", "    set_up(x);\n", "    set_up(x | 4);\n");
    let expected = ["changed _start: body", "refused[freed-after-boot] _start"];
    check("behaviour_12_boot", &[edit], 3, &expected);
}

#[test]
fn behaviour_12_assembly_is_refused() {
    let edit = (
        "kernel.rs",
        "\"mov x0, #1\", \"ret\"",
        "\"mov x0, #2\", \"ret\"",
    );
    let expected = [
        "changed kernel::bare: body",
        "refused[assembly] kernel::bare",
    ];
    check("behaviour_12_assembly", &[edit], 3, &expected);
}

#[test]
fn behaviour_12_a_label_that_a_table_names_is_refused() {
    let edit = ("kernel.rs", "    value + 1\n}", "    value + 2\n}");
    let expected = [
        "changed kernel::guarded: body",
        "refused[label] kernel::guarded",
    ];
    check("behaviour_12_label", &[edit], 3, &expected);
}

#[test]
fn behaviour_13_diverging_aliases_are_refused_by_both_names() {
    const ICF: &[&str] = &["-Clink-arg=--icf=all"];
    let edit = (
        "kernel.rs",
        "fn right(port: *mut u16) {\n    unsafe { port.write_volatile(11) }",
        "fn right(port: *mut u16) {\n    unsafe { port.write_volatile(12) }",
    );
    let Some((.., same)) = compare("behaviour_13", (&[], ICF), (&[], ICF)) else {
        return;
    };
    assert_eq!((same.status, same.lines()), (0, vec![]));
    let (.., outcome) = compare("behaviour_13", (&[], ICF), (&[edit], ICF)).unwrap();
    assert_eq!(
        outcome.lines(),
        [
            "changed kernel::right: body",
            "refused[aliases] kernel::right"
        ]
    );
    assert_eq!(
        outcome.messages(),
        "kernel::right and dep::left were one function, and now differ"
    );
    // Without folding, they are two functions.
    let (.., outcome) = compare("behaviour_13", (&[], &[]), (&[edit], &[])).unwrap();
    assert_eq!(
        (outcome.status, outcome.lines()),
        (1, vec!["changed kernel::right: body".into()])
    );
}

#[test]
fn behaviour_14_other_flags_compiler_and_cpucaps_are_refused_first() {
    let Some((.., outcome)) = compare(
        "behaviour_14",
        (&[], &[]),
        (&[], &["-Clink-arg=--icf=safe"]),
    ) else {
        return;
    };
    assert_eq!(outcome.status, 3);
    assert_eq!(outcome.lines(), ["refused[other-build] linker options"]);
    assert!(
        outcome.messages().contains("none and --icf=safe"),
        "{}",
        outcome.messages()
    );
    let assembly = |text: &str| format!("core::arch::global_asm!({text});\n//");
    let edit = |text: &'static str| ("kernel.rs", "/// A landing pad and nothing else;", text);
    let compiler = assembly("\".ident \\\"another compiler\\\"\"");
    let compiler = edit(compiler.leak());
    let change = ("kernel.rs", "STEP: u32 = 5", "STEP: u32 = 6");
    let (.., outcome) = compare("behaviour_14", (&[], &[]), (&[compiler, change], &[])).unwrap();
    assert_eq!(outcome.lines(), ["refused[other-build] compiler"]);
    assert!(
        outcome.messages().contains("another compiler"),
        "{}",
        outcome.messages()
    );
    let cpucaps =
        assembly("\".pushsection .alt_cpucaps,\\\"\\\",@progbits\", \".byte 1\", \".popsection\"");
    let cpucaps = edit(cpucaps.leak());
    let (.., outcome) = compare("behaviour_14", (&[], &[]), (&[cpucaps], &[])).unwrap();
    assert_eq!(outcome.lines(), ["refused[other-build] cpucaps"]);
}

#[test]
fn behaviour_15_an_image_that_is_not_from_its_inputs_is_refused() {
    let Some((old, new, _)) = compare("behaviour_15", (&[], &[]), (&[], &[])) else {
        return;
    };
    // Another image beside the folder.
    let edit = ("kernel.rs", "STEP: u32 = 5", "STEP: u32 = 6");
    let other = Built::new(Mode::Off, &[edit], &[]);
    fs::copy(other.image(), new.image()).unwrap();
    let outcome = support::diff(&old.image(), &new.image(), &[]);
    assert_eq!(outcome.status, 2);
    assert!(outcome.stderr.contains("image"), "{}", outcome.stderr);
    // An instruction of the kept image changed, and its digest with it.
    let kept = new.kept();
    let mut bytes = fs::read(kept.join("image")).unwrap();
    let image = Build::open(&kept).unwrap().image;
    let steps = image
        .symbols()
        .iter()
        .find(|s| s.name.contains("5steps"))
        .unwrap();
    let at = image.offset_of(steps.range.start).unwrap();
    bytes[at] ^= 1;
    fs::write(kept.join("image"), &bytes).unwrap();
    let outcome = support::diff(&old.image(), &kept, &[]);
    assert_eq!(outcome.status, 2, "{}", outcome.stderr);
    let mut build = Build::open(&old.kept()).unwrap();
    build.image = alt_image::image::Image::parse(bytes).unwrap();
    let (old, new) = (Build::open(&old.kept()).unwrap(), build);
    let (old, new) = (Model::of(&old).unwrap(), Model::of(&new).unwrap());
    let refusals = diff::diff(&old, &new, &Options::default());
    let refusals = refusals.refusals();
    assert_eq!(refusals[0].code(), "not-from-inputs");
    assert!(
        refusals[0].to_string().contains("kernel::steps"),
        "{}",
        refusals[0]
    );
}

#[test]
fn behaviour_16_a_static_that_was_optimised_away_is_refused_unless_allowed() {
    let edit = (
        "kernel.rs",
        "LIMIT.load(Ordering::Relaxed)",
        "LIMIT.swap(3, Ordering::Relaxed)",
    );
    let Some((old, new, outcome)) = compare("behaviour_16", (&[], &[]), (&[edit], &[])) else {
        return;
    };
    let changes = ["changed kernel::report: body", "new static kernel::LIMIT"];
    assert_eq!(outcome.lines()[..2], changes);
    assert_eq!(outcome.lines()[2..], ["refused[revived] kernel::LIMIT"]);
    let allow = ["--allow-static", "kernel::LIMIT"];
    let outcome = support::diff(&old.image(), &new.image(), &allow);
    assert_eq!(
        (outcome.status, &*outcome.lines()),
        (1, &changes.map(str::to_owned)[..])
    );
}

#[test]
fn behaviour_17_a_function_too_short_for_a_branch_is_refused() {
    let edit = ("kernel.rs", "\"bti c\"", "\"bti c\", \"ret\"");
    let expected = [
        "changed kernel::pad: body",
        "refused[too-short] kernel::pad",
    ];
    check("behaviour_17", &[edit], 3, &expected);
}
