//! Cpucaps on the host: the table, what is undecided, what a machine has, and the section.

use alt_image::caps::{Caps, CapsError, ids};
use alt_runtime::cap::{CapTable, IdRegs, LatePolicy, Leaf, OverrideError, SystemView};

mod kernel {
    alt_runtime::cpucaps!("../../cpucaps.toml");
}

/// The macro's output for a file with every form, in the build of this test.
#[allow(unexpected_cfgs, reason = "the file is of another package")]
mod forms {
    alt_runtime::cpucaps!("../../alt-runtime/tests/data/cap_forms.toml");
}

fn has_long_lines(_: &IdRegs) -> bool {
    false
}

const KERNEL: &str = include_str!("../../../cpucaps.toml");
const FORMS: &str = include_str!("../../../alt-runtime/tests/data/cap_forms.toml");

fn caps(text: &str) -> Caps {
    Caps::from_toml("caps.toml", text).unwrap_or_else(|error| panic!("{error}"))
}

/// An entry of a file.
fn entry(name: &str, scope: &str, detect: &str, more: &str) -> String {
    format!(
        "[{name}]\ndoc = \"d\"\nscope = \"{scope}\"\nkind = \"feature\"\ndetect = {detect}\n{more}\n"
    )
}

/// A table as text, without the addresses of functions.
fn listing(table: &CapTable) -> Vec<String> {
    let line = |text: String| {
        let (mut line, mut rest) = (String::new(), text.as_str());
        while let Some((before, after)) = rest.split_once("test: 0x") {
            line += before;
            rest = after.trim_start_matches(|c: char| c.is_ascii_hexdigit());
        }
        line + rest
    };
    table.iter().map(|info| line(format!("{info:?}"))).collect()
}

fn names(caps: &Caps, ids: &IdRegs, cmdline: &str) -> Vec<&'static str> {
    let present = caps.detect(ids, cmdline).unwrap();
    let names = present.iter().map(|cap| caps.name(cap.number()).unwrap());
    names.collect()
}

#[test]
fn the_table_is_that_of_the_macro() {
    let host = caps(KERNEL);
    assert_eq!(host.table().len(), kernel::TABLE.len());
    assert_eq!(listing(host.table()), listing(&kernel::TABLE));
    assert!(host.undecided().is_empty());
    assert_eq!(host.number("LSE"), Some(kernel::LSE.number()));
    assert_eq!(host.name(kernel::LSE.number()), Some("LSE"));
    assert_eq!((host.number("lse"), host.name(999)), (None, None));
    assert_eq!(host.text(), KERNEL);
}

#[test]
fn every_form_is_that_of_the_macro() {
    let mut host = caps(FORMS);
    // As the macro finds them in this build, where both cfgs and the function are known.
    for (name, outcome) in [("IMPOSSIBLE", false), ("POSSIBLE", true), ("NESTED", false)] {
        host.assume(name, outcome).unwrap();
    }
    assert_eq!(listing(host.table()), listing(&forms::TABLE));
}

#[test]
fn mistakes_are_those_of_the_macro() {
    let error =
        Caps::from_toml("caps.toml", &KERNEL.replace("\"system\"", "\"sistem\"")).unwrap_err();
    let CapsError::File(messages) = &error else {
        panic!("{error:?}");
    };
    assert!(messages.len() > 10);
    assert!(messages[0].starts_with("caps.toml:"), "{}", messages[0]);
    assert!(messages[0].contains("did you mean `system`?"));
    let text = error.to_string();
    assert!(text.contains(&format!("{}\n\n{}", messages[0], messages[1])));
}

#[test]
fn what_only_the_kernel_knows_is_asked_for() {
    let mut host = caps(FORMS);
    let open: Vec<String> = host
        .undecided()
        .iter()
        .map(|open| open.to_string())
        .collect();
    assert_eq!(
        open,
        [
            "cpucap IMPOSSIBLE depends on cfg(all(feature = \"defmt\", not(feature = \"defmt\"))) \
             in the kernel's build",
            "cpucap POSSIBLE depends on cfg(any(test, unix)) in the kernel's build",
            "cpucap NESTED depends on the result of the kernel's super::has_long_lines()",
        ]
    );
    assert_eq!(host.undecided()[2].number, 5);

    // Cortex-A53 r0p4, DIC=0: NESTED depends on the function. LINKED requires CPUS, which the
    // A53 of the newer QEMU lacks: REVIDR_EL1[8] shows that the erratum is fixed.
    let mended = ids::builtin("cortex-a53@10.0").unwrap().ids;
    assert_eq!(names(&host, &mended, ""), ["ALWAYS", "RANGE"]);
    let a53 = ids::builtin("cortex-a53@7.2").unwrap().ids;
    assert_eq!(
        names(&host, &a53, ""),
        ["ALWAYS", "RANGE", "CPUS", "LINKED"]
    );
    host.assume("POSSIBLE", true).unwrap();
    assert!(names(&host, &a53, "").contains(&"POSSIBLE"));
    host.assume("IMPOSSIBLE", false).unwrap();
    assert!(!names(&host, &a53, "").contains(&"IMPOSSIBLE"));

    let mut no = host.clone();
    no.assume("NESTED", false).unwrap();
    assert!(!names(&no, &a53, "").contains(&"NESTED"));
    assert!(no.undecided().is_empty());

    // It is NESTED that LINKED conflicts with.
    host.assume("NESTED", true).unwrap();
    let error = host.detect(&a53, "").unwrap_err();
    assert!(matches!(error, CapsError::Detect(_)), "{error:?}");
    assert_eq!(
        error.to_string(),
        "cpucaps LINKED and NESTED are both present and exclude each other"
    );
    // The function counts within its rule: NESTED is not for Fujitsu's CPUs.
    let a64fx = ids::builtin("a64fx").unwrap().ids;
    assert!(!names(&host, &a64fx, "").contains(&"NESTED"));
}

#[test]
fn a_function_and_a_cfg_at_once() {
    let detect =
        "{ any = [{ custom = \"a::f\" }, { not = { custom = \"g\" } }, { custom = \"g\" }] }";
    let mut host = caps(&entry("BOTH", "system", detect, "cfg = 'unix'"));
    assert_eq!(
        host.undecided()[0].to_string(),
        "cpucap BOTH depends on cfg(unix) in the kernel's build and the result of the kernel's a::f(), \
         g()"
    );
    let ids = IdRegs::new();
    // `not g` holds.
    let mut no = host.clone();
    no.assume("BOTH", false).unwrap();
    assert!(no.detect(&ids, "").unwrap().is_empty());
    host.assume("BOTH", true).unwrap();
    assert_eq!(names(&host, &ids, ""), ["BOTH"]);
}

#[test]
fn only_the_undecided_can_be_assumed() {
    let mut host = caps(FORMS);
    let error = host.assume("RANGE", true).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the ID registers decide cpucap RANGE; undecided are IMPOSSIBLE, POSSIBLE, NESTED"
    );
    let error = caps(KERNEL).assume("LSE", true).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the ID registers decide cpucap LSE; no cpucap is undecided"
    );
    // Once is enough.
    host.assume("NESTED", true).unwrap();
    assert!(host.assume("NESTED", true).is_err());
}

#[test]
fn machines_have_what_their_makers_say() {
    let host = caps(KERNEL);
    let has = |cpu: &str, cap| names(&host, &ids::builtin(cpu).unwrap().ids, "").contains(&cap);
    // FEAT_LSE comes with Armv8.1; FEAT_MOPS is of QEMU 8.1 and later.
    assert!(!has("cortex-a53", "LSE"));
    assert!(has("cortex-a76", "LSE"));
    assert!(has("max", "MOPS"));
    assert!(!has("max@7.2", "MOPS"));
    assert!(!has("max", "MTE"));
    assert!(has("max/mte=on", "MTE"));
    assert!(!has("max,pauth=off", "ADDRESS_AUTH"));
    // Cortex-A53 r0p4 is affected by erratum 845719, Cortex-A76 is not.
    assert!(has("cortex-a53", "A53_845719"));
    assert!(!has("cortex-a76", "A53_845719"));
}

#[test]
fn a_machine_is_judged_as_at_boot() {
    let host = caps(KERNEL);
    let mut seen = 0;
    for machine in ids::read("qemu.toml", include_str!("../cpus/qemu.toml")).unwrap() {
        let view = SystemView::new(&kernel::TABLE, &machine.ids).unwrap();
        let expected = *view.finalise().unwrap().caps();
        assert_eq!(host.detect(&machine.ids, ""), Ok(expected), "{machine}");
        seen += 1;
    }
    assert_eq!(seen, 41);
}

#[test]
fn scopes_decide_in_their_order() {
    let text = entry("EARLY", "boot", "\"always\"", "conflicts = [\"LATER\"]")
        + &entry(
            "LATER",
            "boot",
            "{ field = \"ID_AA64ISAR0_EL1.Atomic\", min = 2 }",
            "",
        )
        + &entry(
            "LOCAL",
            "local",
            "\"always\"",
            "late = \"early-local-feature\"",
        )
        + &entry("NEEDY", "system", "\"always\"", "requires = [\"LATER\"]");
    let host = caps(&text);
    let (a53, a76) = (ids::builtin("cortex-a53"), ids::builtin("cortex-a76"));
    assert_eq!(names(&host, &a53.unwrap().ids, ""), ["EARLY", "LOCAL"]);
    assert_eq!(
        host.detect(&a76.unwrap().ids, "").unwrap_err().to_string(),
        "cpucaps EARLY and LATER are both present and exclude each other"
    );
    let info = host.table().get(2).unwrap();
    assert_eq!(info.late, LatePolicy::EarlyLocalFeature);
    info.rule
        .for_each_leaf(&mut |leaf| assert!(matches!(leaf, Leaf::Always)));
}

#[test]
fn overrides_take_away_or_are_refused() {
    let host = caps(KERNEL);
    let a76 = ids::builtin("cortex-a76").unwrap().ids;
    let all = names(&host, &a76, "quiet -- arm64.nonsense");
    let without = names(&host, &a76, "quiet arm64.nolse");
    assert!(all.contains(&"LSE") && !without.contains(&"LSE"));
    assert_eq!(all.len(), without.len() + 1);

    let error = host
        .detect(&a76, "arm64.nolse arm64.nolsd id_x.y=1")
        .unwrap_err();
    assert_eq!(
        error,
        CapsError::Override {
            word: "arm64.nolsd".into(),
            why: OverrideError::UnknownWord
        }
    );
    assert_eq!(
        error.to_string(),
        "kernel command line, arm64.nolsd: not `arm64.no` and the name of a cpucap"
    );
}

/* # The section */

/// A text of the section, and its marks.
fn embedded(text: &str, marks: &str) -> Vec<u8> {
    [text.as_bytes(), b"\0", marks.as_bytes(), b"\0"].concat()
}

fn two_caps() -> String {
    entry("A", "system", "\"always\"", "")
        + &entry("B", "system", "\"always\"", "cfg = 'feature = \"b\"'")
}

#[test]
fn equal_texts_are_one() {
    let bytes = embedded(&two_caps(), "10").repeat(2);
    let found = Caps::from_section(&bytes).unwrap();
    let [caps] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(caps.text(), two_caps());
    assert!(caps.undecided().is_empty());
    assert_eq!(names(caps, &IdRegs::new(), ""), ["A"]);

    let found = Caps::from_section(&embedded(&two_caps(), "11")).unwrap();
    assert_eq!(names(&found[0], &IdRegs::new(), ""), ["A", "B"]);
}

#[test]
fn crates_that_do_not_agree_leave_it_open() {
    let pair = |first, second, third| {
        [first, second, third]
            .map(|marks| embedded(&two_caps(), marks))
            .concat()
    };
    for bytes in [pair("10", "11", "11"), pair("11", "11", "10")] {
        let mut found = Caps::from_section(&bytes).unwrap();
        let [caps] = &mut found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(
            caps.undecided()[0].to_string(),
            "cpucap B depends on cfg(feature = \"b\") in the kernel's build"
        );
        assert_eq!(names(caps, &IdRegs::new(), ""), ["A"]);
        caps.assume("B", true).unwrap();
        assert_eq!(names(caps, &IdRegs::new(), ""), ["A", "B"]);
    }
}

#[test]
fn functions_stay_undecided_in_an_image() {
    let text = entry("F", "system", "{ custom = \"f\" }", "cfg = 'unix'");
    let found = Caps::from_section(&embedded(&text, "1")).unwrap();
    assert_eq!(found[0].undecided()[0].cfg, None);
    assert_eq!(found[0].undecided()[0].custom, ["f"]);
    // An impossible cap stays impossible with any result of the function.
    let found = Caps::from_section(&embedded(&text, "0")).unwrap();
    assert!(found[0].undecided().is_empty());
}

#[test]
fn different_texts_are_several() {
    let bytes = [
        embedded(&two_caps(), "11"),
        embedded(KERNEL, &"1".repeat(kernel::TABLE.len())),
        embedded(&two_caps(), "11"),
    ];
    let found = Caps::from_section(&bytes.concat()).unwrap();
    let lengths: Vec<usize> = found.iter().map(|caps| caps.table().len()).collect();
    assert_eq!(lengths, [2, kernel::TABLE.len()]);
}

#[test]
fn a_broken_section_is_refused() {
    let text = two_caps();
    let (marks, end) = (text.len() + 1, text.len() + 3);
    let good = embedded(&text, "11");
    let bad: [(Vec<u8>, usize, &str); 9] = [
        (vec![], 0, "there is no text in it"),
        (
            text.clone().into_bytes(),
            0,
            "a string without a NUL byte after it",
        ),
        (
            good[..end].to_vec(),
            marks,
            "a string without a NUL byte after it",
        ),
        (
            good[..marks].to_vec(),
            0,
            "a text without its marks after it",
        ),
        (
            [&good[..], b"x\0"].concat(),
            end + 1,
            "a text without its marks after it",
        ),
        (
            embedded(&text, "1"),
            marks,
            "as many marks as cpucaps were expected",
        ),
        (
            embedded(&text, "111"),
            marks,
            "as many marks as cpucaps were expected",
        ),
        (
            embedded(&text, "1x"),
            marks + 1,
            "not a mark: 1, or 0 for a cpucap with a false `cfg`",
        ),
        (
            embedded(&text, "01"),
            marks,
            "not a mark: 1, or 0 for a cpucap with a false `cfg`",
        ),
    ];
    for (bytes, offset, what) in bad {
        let error = Caps::from_section(&bytes).unwrap_err();
        assert_eq!(error, CapsError::Section { offset, what });
    }
    // A second text of the kind is read as carefully.
    let second = [&good[..], &embedded(&text, "1x")].concat();
    let error = Caps::from_section(&second).unwrap_err().to_string();
    let at = format!(
        "section .alt_cpucaps, byte {:#x}: not a mark",
        good.len() + marks + 1
    );
    assert!(error.starts_with(&at), "{error}");

    let error = Caps::from_section(b"# \xff\0\0").unwrap_err();
    assert!(matches!(
        error,
        CapsError::Section {
            offset: 2,
            what: "not UTF-8"
        }
    ));

    let error = Caps::from_section(&embedded("[A]", "1")).unwrap_err();
    assert!(
        matches!(&error, CapsError::File(messages) if messages.len() == 4),
        "{error:?}"
    );
    assert!(
        error.to_string().starts_with(".alt_cpucaps:1:2: "),
        "{error}"
    );
}
