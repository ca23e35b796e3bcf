//! Builds for which `alt livepatch build` makes no payload.

use std::fs;

use crate::kernel::{Kernel, SOURCE, said};
use crate::payload::{build, edited};

/// Behaviour 1: nothing to patch has a status of its own.
#[test]
fn behaviour_1_the_same_source_makes_no_payload() {
    let Some(kernel) = Kernel::new("behaviour_1_the_same_source_makes_no_payload") else {
        return;
    };
    kernel.build("old", SOURCE);
    let output = build(&kernel, &["old", "old", "-o", "no.alp"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("no functional change"),
        "{}",
        said(&output)
    );
    assert!(!kernel.path("no.alp").exists());
}

/// Behaviour 14: another compiler, other flags or other cpucaps are refused before anything else is
/// compared.
#[test]
fn behaviour_14_another_compiler_flags_or_cpucaps_are_refused_first() {
    let Some(kernel) = Kernel::new("behaviour_14_another_compiler_flags_or_cpucaps") else {
        return;
    };
    kernel.build("old", SOURCE);
    kernel.build("new", &edited());
    let path = kernel.path("new.livepatch/build.toml");
    let text = fs::read_to_string(&path).unwrap();
    let toolchain = text
        .lines()
        .find(|line| line.starts_with("toolchain"))
        .unwrap();
    let options = text
        .lines()
        .find(|line| line.starts_with("options"))
        .unwrap();
    let cases = [
        (
            toolchain,
            "toolchain = [\"rustc version 1.96.0\"]".to_owned(),
            "compiler",
        ),
        (
            options,
            options.replace("--gc-sections", "--no-gc-sections"),
            "linker options",
        ),
        (
            toolchain,
            format!("{toolchain}\ncpucaps = \"0123456789abcdef\""),
            "cpucaps",
        ),
    ];
    for (from, to, what) in cases {
        fs::write(&path, text.replace(from, &to)).unwrap();
        let output = build(&kernel, &["old", "new", "-o", "no.alp"]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(3), "{what}: {said}");
        assert!(said.contains(what), "{what}: {said}");
        // Nothing about functions.
        assert!(
            !said.contains("greet") && said.contains("alt: no payload"),
            "{said}"
        );
        assert!(!kernel.path("no.alp").exists());
    }
}

#[test]
fn what_cannot_be_patched_makes_no_payload() {
    let Some(kernel) = Kernel::new("what_cannot_be_patched_makes_no_payload") else {
        return;
    };
    kernel.build("old", SOURCE);
    kernel.build(
        "new",
        &edited().replace("AtomicU32::new(1)", "AtomicU32::new(2)"),
    );
    let output = build(&kernel, &["old", "new", "-o", "no.alp"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("TICKS"), "{}", said(&output));
    assert!(said(&output).contains("  help: "), "{}", said(&output));
    assert!(!kernel.path("no.alp").exists());
}
