//! What the arguments say about the system, and what is wrong with them.

use crate::fixture::Fixture;
use crate::run::{Ran, alt};

fn apply(fixture: &Fixture, arguments: &[&str]) -> Ran {
    let input = fixture.path().to_str().unwrap();
    let output = fixture.file("out");
    alt(["apply", input, "-o", output.to_str().unwrap()]
        .iter()
        .chain(arguments))
}

#[test]
fn a_list_of_cpucaps_names_what_is_wrong_with_it() {
    let Some(fixture) = Fixture::new("a_list_of_cpucaps_names_what_is_wrong_with_it") else {
        return;
    };
    let refused = |list: &str, texts: &[&str]| {
        apply(&fixture, &[&format!("--caps={list}")]).refused(texts);
    };
    refused("LSEE", &["no cpucap LSEE: there are LSE, "]);
    refused("ALWAYS,lse", &["no cpucap lse: there are LSE, "]);
    refused(
        "5",
        &["no cpucap 5: they have numbers from 0 (ALWAYS) to 4 (NEVER)"],
    );
    refused("70000", &["no cpucap 70000: they"]);
    refused("-1", &["no cpucap -1"]);
    refused("NEVER", &["NEVER is ruled out"]);
    refused("OPEN", &["OPEN is ruled out", "depends on it"]);
    let image = fixture.path().to_str().unwrap();
    alt(["apply", image, "-o", "out"]).refused(&["--cpu <MODEL>|--ids <FILE>|--caps <LIST>"]);
    alt(["apply", image, "--caps", "", "--cpu", "max", "-o", "out"]).refused(&["cannot be used"]);
    alt(["apply", image, "--caps", "", "--cmdline", "a", "-o", "out"]).refused(&["cannot be used"]);
}

#[test]
fn what_only_the_kernel_can_tell_has_to_be_said() {
    let Some(fixture) = Fixture::new("what_only_the_kernel_can_tell_has_to_be_said") else {
        return;
    };
    let a76 = |more: &[&str]| apply(&fixture, &[&["--cpu", "cortex-a76"], more].concat());
    a76(&[]).refused(&[
        "cpucap OPEN depends on the result of the kernel's crate::ask()",
        "--assume OPEN or --assume '!OPEN'",
    ]);
    a76(&["--assume", "LSE"]).refused(&["the ID registers decide cpucap LSE", "OPEN"]);
    for assumed in ["OPEN", "!OPEN", "!*"] {
        a76(&["--assume", assumed]).clean();
    }
    let line = |line: &str| a76(&["--assume", "!*", "--cmdline", line]);
    line("arm64.nolsee").refused(&["kernel command line, arm64.nolsee: "]);
}

#[test]
fn cpus_that_are_not_known_are_answered_with_those_that_are() {
    let Some(fixture) = Fixture::new("cpus_that_are_not_known_are_answered_with_those_that_are")
    else {
        return;
    };
    let cpu = |name: &str| apply(&fixture, &["--assume", "!*", "--cpu", name]);
    cpu("cortex-a99").refused(&["`cortex-a99`", "cortex-a53", "max,pauth=off", "neoverse-n1"]);
    cpu("max@1.0").refused(&["QEMU 1.0", "10.0"]);
    for known in ["cortex-a53", "max,pauth=off", "max@7.2", "max/mte=on"] {
        cpu(known).clean();
    }
}

#[test]
fn id_registers_come_in_all_forms() {
    let Some(fixture) = Fixture::new("id_registers_come_in_all_forms") else {
        return;
    };
    let ids = |file: &std::path::Path, name: &str| {
        let file = format!("{}{name}", file.display());
        apply(&fixture, &["--assume", "!*", "--ids", &file])
    };
    let applied = |ran: Ran| {
        let applied = ran.stdout.lines().last().unwrap().to_owned();
        (applied, ran.status)
    };
    let (lse, pan) = ("0x0000000000200000", "0x0000000000100000");
    let both = ("applied 10 of 16 records, 2 callbacks left".to_owned(), 0);
    let only_lse = ("applied 3 of 16 records, 2 callbacks left".to_owned(), 0);
    let lines = format!("# mine\nID_AA64ISAR0_EL1={lse}\n\nID_AA64MMFR1_EL1={pan}\n");
    let lines = fixture.write("plain registers.txt", lines);
    assert_eq!(applied(ids(&lines, "")), both);
    let log = format!(
        "booting\n[INFO ] idreg ID_AA64ISAR0_EL1={lse} (demo.rs:1)\nidreg ID_AA64MMFR1_EL1={pan}\n"
    );
    let log = fixture.write("boot.log", log);
    assert_eq!(applied(ids(&log, "")), both);
    let one = fixture.write(
        "one.toml",
        format!("ID_AA64ISAR0_EL1 = \"{lse}\"\nID_AA64MMFR1_EL1 = \"{pan}\"\n"),
    );
    assert_eq!(applied(ids(&one, "")), both);
    let two = format!(
        "[[machine]]\ncpu = \"first\"\nID_AA64ISAR0_EL1 = \"{lse}\"\nID_AA64MMFR1_EL1 = \"0x0\"\n\
         [[machine]]\ncpu = \"second\"\nqemu = \"10.0\"\nID_AA64ISAR0_EL1 = \"{lse}\"\n\
         ID_AA64MMFR1_EL1 = \"{pan}\"\n"
    );
    let two = fixture.write("two.toml", &two);
    assert_eq!(applied(ids(&two, "#first")), only_lse);
    assert_eq!(applied(ids(&two, "#second")), both);
    assert_eq!(applied(ids(&two, "#second@10.0")), both);
    ids(&two, "").refused(&[
        "two.toml has several machines",
        "#NAME, of first, second@10.0",
    ]);
    ids(&two, "#third").refused(&["no machine third; there are first, second@10.0"]);
    // A # of the file's own.
    let hash = fixture.write("boot#2", std::fs::read(&log).unwrap());
    assert_eq!(applied(ids(&hash, "")), both);
    ids(&fixture.file("not there"), "").refused(&["not there: No such file"]);

    // What was not read seems absent, and that is said.
    let some = fixture.write("some", format!("ID_AA64ISAR0_EL1={lse}\n"));
    let ran = ids(&some, "");
    assert!(ran.stderr.contains("lack ID_AA64MMFR1_EL1;"), "{ran:?}");
    assert_eq!(applied(ran), only_lse);
    let unknown = fixture.write("unknown", "ID_AA64FOO_EL1=0x1\n");
    ids(&unknown, "").refused(&["unknown:1: unknown ID register `ID_AA64FOO_EL1`"]);
}

#[test]
fn files_of_callbacks_are_checked_against_the_image() {
    let Some(fixture) = Fixture::new("files_of_callbacks_are_checked_against_the_image") else {
        return;
    };
    let answers = |text: &str| {
        let file = fixture.write("answers.toml", text);
        let file = file.to_str().unwrap();
        apply(&fixture, &["--caps", "0", "--callbacks", file])
    };
    answers("CONDUIT = [0xd503201f, 0xd503201f]").refused(&["`CONDUIT` gives 2 words", "has 1"]);
    answers("CONDUITS = [0xd503201f]").refused(&["`CONDUITS`", "the callbacks are CONDUIT, COUNT"]);
    // A place without a callback.
    answers("arms = [0xd503201f]").refused(&["`arms` is neither a callback"]);
    answers("CONDUIT = 0xd503201f").refused(&["answers.toml: line 1: `CONDUIT` must be a list"]);
    answers("CONDUIT = [0x1d503201f]").refused(&["must be a list"]);
    answers("CONDUIT = [[1, 2, 3]]").refused(&["must be a list"]);
    answers("# one\nCONDUIT = [[0x11, 0x1f]]").refused(&["line 2", "0x11 sets bits that 0x1f"]);
    answers("CONDUIT = [").refused(&["answers.toml: ", "line 1"]);
    // A site comes before its callback.
    let both = "CONDUIT = [0xd4000003]\nconduit = [0xd503201f]\n";
    let out = answers(both).clean();
    assert!(out.ends_with(", 1 callbacks left\n"), "{out}");
    let applied = test_support::Image::open(&fixture.file("out")).unwrap();
    let word = crate::fixture::word(&applied, fixture.symbol("conduit"));
    assert_eq!(word, crate::fixture::NOP);
}
