//! The behaviours 1 to 7 and 18 of docs/livepatch.md, each as a test of its number: what changed.

use alt_livepatch::archive::Build;
use alt_livepatch::diff::{self, Options, Resolution};
use alt_livepatch::model::{Kind, Model};
use test_support::skip;

use super::check::{check, check_modes};
use super::edits::MOVED;
use super::support::{self, Built, MODES, Mode};

#[test]
fn behaviour_01_same_source_is_no_functional_change() {
    check("behaviour_01", &[], 0, &[]);
}

#[test]
fn behaviour_02_comments_and_blank_lines_move_only() {
    let edit = ("kernel.rs", "const STEP", "// A comment.\n\n\nconst STEP");
    let expected = MOVED;
    check("behaviour_02", &[edit], 0, &expected);
}

#[test]
fn behaviour_03_a_body_changes_its_function_and_those_that_inline_it() {
    let edits = [
        (
            "kernel.rs",
            "PORT.write_volatile(value);",
            "PORT.write_volatile(value | 1);",
        ),
        (
            "kernel.rs",
            "device.start(by) + device.id()",
            "device.start(by) ^ device.id()",
        ),
    ];
    let expected = [
        "changed kernel::apply: through inlining of kernel::poke",
        "changed kernel::drive: body",
        "changed kernel::poll: through inlining of kernel::poke",
        "changed kernel::tick: through inlining of kernel::poke",
        "changed kernel::tock: through inlining of kernel::poke",
    ];
    check("behaviour_03", &edits, 1, &expected);
}

#[test]
fn behaviour_04_a_generic_changes_all_its_monomorphs() {
    let edit = (
        "kernel.rs",
        "let old = port.read_volatile();",
        "let old = port.add(1).read_volatile();",
    );
    let expected = [
        "changed kernel::swap<u32>: body",
        "changed kernel::swap<u8>: body",
    ];
    check("behaviour_04", &[edit], 1, &expected);
}

#[test]
fn behaviour_05_a_new_function_and_a_new_static_are_carried() {
    if skip::without_target("behaviour_05") {
        return;
    }
    let edits = [
        (
            "kernel.rs",
            "    list[at]\n",
            "    count(at);\n    list[at]\n",
        ),
        (
            "kernel.rs",
            "/// A landing pad and nothing else;",
            "static COUNT: AtomicUsize = AtomicUsize::new(0);\n\
             #[inline(never)]\n\
             fn count(by: usize) {\n    COUNT.fetch_max(by, Ordering::Relaxed);\n}\n//",
        ),
    ];
    for mode in MODES {
        let old = Build::open(&Built::new(mode, &[], &[]).image()).unwrap();
        let new = Build::open(&Built::new(mode, &edits, &[]).image()).unwrap();
        let (old, new) = (Model::of(&old).unwrap(), Model::of(&new).unwrap());
        let diff = diff::diff(&old, &new, &Options::default());
        assert_eq!(diff.refusals(), &[]);
        let carried = diff.carried();
        let of = |kind| -> Vec<String> {
            let atoms = carried.iter().filter(|one| new.atom(one.atom).kind == kind);
            atoms.map(|one| new.label(one.atom)).collect()
        };
        let mut functions = of(Kind::Function);
        functions.sort();
        assert_eq!(functions, ["kernel::count", "kernel::element"]);
        assert_eq!(of(Kind::Writable), ["kernel::COUNT"]);
        let replaced: Vec<_> = carried
            .iter()
            .filter_map(|one| one.replaces.as_ref())
            .collect();
        assert_eq!(replaced.len(), 1);
        let at = old
            .image()
            .symbols()
            .iter()
            .find(|s| s.name.contains("7element"))
            .unwrap();
        assert_eq!(replaced[0].address, at.range.start);
        assert_eq!(replaced[0].size, at.range.end - at.range.start);
        // The panic is in the old image, and its location is copied.
        let element = carried
            .iter()
            .find(|one| one.replaces.is_some())
            .unwrap()
            .atom;
        let mut copies = 0;
        for reference in &new.atom(element).references {
            match diff.resolve(element, reference) {
                Resolution::Image(address) => {
                    assert!(old.image().is_text(address), "{address:#x}");
                }
                Resolution::Carry(_) => copies += 1,
                Resolution::Refused(refusal) => panic!("{refusal}"),
            }
        }
        // The call, and two instructions for the location, which fat LTO moves to the callee.
        assert_eq!(copies, if mode == Mode::Off { 3 } else { 1 });
    }
}

#[test]
fn behaviour_06_a_string_or_a_table_carries_the_functions_that_use_it() {
    let edits = [
        ("kernel.rs", "\"three\"", "\"trio\""),
        ("kernel.rs", "[1, 2, 3, 4, 9]", "[1, 2, 3, 4, 7]"),
    ];
    let expected = [
        "changed kernel::classify: constant of 48 bytes",
        "changed kernel::entry_of_table: constant kernel::TABLE",
        "changed static kernel::TABLE: body",
    ];
    check_modes("behaviour_06", &MODES, &edits, 1, &expected);
}

#[test]
fn behaviour_07_a_replacement_carries_its_function_with_the_records() {
    if skip::without_target("behaviour_07") {
        return;
    }
    let edit = ("kernel.rs", "dmb ish\"", "dmb nsh\"");
    for mode in MODES {
        let old = Build::open(&Built::new(mode, &[], &[]).image()).unwrap();
        let new = Build::open(&Built::new(mode, &[edit], &[]).image()).unwrap();
        let (old, new) = (Model::of(&old).unwrap(), Model::of(&new).unwrap());
        let diff = diff::diff(&old, &new, &Options::default());
        let carried = diff.carried();
        let sections: Vec<_> = carried
            .iter()
            .map(|one| &*new.atom(one.atom).section)
            .collect();
        assert_eq!(sections.len(), 3, "{sections:?}");
        assert!(sections[0].contains("barrier"), "{sections:?}");
        assert_eq!(sections[1..], ["alt_replacements", "alt_records"]);
        for one in &carried {
            for reference in &new.atom(one.atom).references {
                let to = diff.resolve(one.atom, reference);
                assert!(matches!(to, Resolution::Carry(_)), "{to:?}");
            }
        }
    }
}

#[test]
fn behaviour_18_a_change_in_a_dependency_is_found() {
    let edit = ("dep.rs", "rotate_left(3)", "rotate_left(4)");
    check("behaviour_18", &[edit], 1, &["changed dep::checksum: body"]);
}

#[test]
fn builds_that_are_not_there_are_an_error() {
    let here = std::path::Path::new("no-such-image");
    let outcome = support::diff(here, here, &[]);
    assert_eq!(outcome.status, 2);
    assert!(
        outcome.stderr.contains("no-such-image"),
        "{}",
        outcome.stderr
    );
}
