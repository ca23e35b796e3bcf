//! Which definition a name means, and which sections there will be.

use alt_linker::branch_range::{self, Options};
use test_support::Linker;

use crate::link::{Link, check, finding, location, options, reference};

/// A function that goes to `target` where x0 is zero.
const CBZ: &str = ".section .text.f, \"ax\"\n.globl f\n.type f, %function\nf: cbz x0, target\n";

#[test]
fn local_place_in_another_section_has_its_name() {
    let Some(link) = Link::new("local_place_in_another_section_has_its_name") else {
        return;
    };
    let text = "
        .section .text.f, \"ax\"
        f:  tbnz w0, #3, cold
        .section .text.cold, \"ax\"
            nop
        .type cold, %function
        cold: ret
    ";
    let found = finding(&[&link.object("a", text)]);
    assert_eq!(reference(&found).instruction, "tbnz w0, #3, cold");
    assert_eq!(
        reference(&found).defined.as_deref(),
        Some("a.o, section .text.cold")
    );
}

#[test]
fn weak_definition_nearby_gives_way_to_a_strong_one() {
    let Some(link) = Link::new("weak_definition_nearby_gives_way_to_a_strong_one") else {
        return;
    };
    let weak = format!("{CBZ}.weak target\ntarget: ret\n");
    let weak = link.object("weak", &weak);
    assert!(check(&[&weak]).findings.is_empty());

    let strong = ".section .text.target, \"ax\"\n.globl target\ntarget: ret\n";
    let strong = link.object("strong", strong);
    for objects in [[&*weak, &*strong], [&*strong, &*weak]] {
        let found = finding(&objects);
        let words = "the weak definition beside it gives way to one in another section";
        assert!(found.message.ends_with(words), "{found}");
        let defined = "strong.o, section .text.target";
        assert_eq!(reference(&found).defined.as_deref(), Some(defined));
    }
    // Of two weak ones, the first stays.
    let other = ".section .text.target, \"ax\"\n.weak target\ntarget: ret\n";
    let other = link.object("other", other);
    assert!(check(&[&weak, &other]).findings.is_empty());
    assert_eq!(reference(&finding(&[&other, &weak])).symbol, "target");
}

/// The linker makes such a branch go to the next instruction, and an address the place itself.
#[test]
fn weak_name_that_nobody_defines_is_in_reach() {
    let Some(link) = Link::new("weak_name_that_nobody_defines_is_in_reach") else {
        return;
    };
    let text =
        format!("{CBZ} adr x0, target\n ldr x0, target\n tbz x0, #1, target\n.weak target\n");
    let user = link.object("user", &text);
    let report = check(&[&user]);
    assert_eq!((report.references, report.findings.len()), (4, 0));
    let far = ["--image-base=0x40000000", "-ef"];
    link.link(Linker::Lld, &[&user], &far).unwrap();

    let weak = ".section .text.target, \"ax\"\n.weak target\ntarget: ret\n";
    let report = check(&[&user, &link.object("weak", weak)]);
    assert_eq!(report.findings.len(), 4);
}

/// Of two groups with one signature the linker takes the first.
#[test]
fn copies_that_the_linker_drops_are_not_looked_at() {
    let Some(link) = Link::new("copies_that_the_linker_drops_are_not_looked_at") else {
        return;
    };
    let group = |body: &str| {
        format!(
            ".section .text.generic, \"axG\", %progbits, generic, comdat\n\
             .weak generic\ngeneric: {body}\n ret\n"
        )
    };
    let near = link.object("near", &group("nop"));
    let far = link.object("far", &group("cbz x0, target"));
    let padding = ".section .text.p, \"ax\"\n.space 0x200000\n.globl target\ntarget: ret\n";
    let padding = link.object("padding", padding);
    let arguments = ["-egeneric", "--no-gc-sections"];

    let first = [&*near, &*far, &*padding];
    assert!(check(&first).findings.is_empty());
    link.link(Linker::Lld, &first, &arguments).unwrap();
    let last = [&*far, &*near, &*padding];
    assert_eq!(location(&finding(&last)).0, "far.o");
    let words = link.link(Linker::Lld, &last, &arguments).unwrap_err();
    assert!(words.contains("out of range"), "{words}");

    // A name that the dropped copy defines, too, is that of the first copy.
    let user = group("ret").replace("generic: ", "generic: nop\n.globl inner\ninner: ")
        + ".section .text.user, \"ax\"\nuser: cbz x0, inner\n";
    let (one, two) = (link.object("one", &user), link.object("two", &user));
    let report = check(&[&one, &two]);
    let defined: Vec<_> = report
        .findings
        .iter()
        .map(|f| reference(f).defined.clone())
        .collect();
    let first = Some("one.o, section .text.generic".to_owned());
    assert_eq!(defined, [first.clone(), first]);
}

#[test]
fn sections_that_are_not_loaded_are_not_looked_at() {
    let Some(link) = Link::new("sections_that_are_not_loaded_are_not_looked_at") else {
        return;
    };
    for flags in ["", "axe"] {
        let text = format!(".section .other, \"{flags}\", %progbits\ncbz x0, target\n");
        let report = check(&[&link.object("a", &text)]);
        assert_eq!((report.references, report.findings.len()), (0, 0));
    }
}

#[test]
fn absolute_and_common_symbols_may_be_anywhere() {
    let Some(link) = Link::new("absolute_and_common_symbols_may_be_anywhere") else {
        return;
    };
    let user = link.object("user", CBZ);
    for (definition, words) in [
        (
            ".globl target\ntarget = 0x1000\n",
            "target is an absolute address",
        ),
        (".comm target, 8\n", "target is COMMON"),
    ] {
        let found = finding(&[&user, &link.object("definition", definition)]);
        assert!(found.message.contains(words), "{found}");
        assert!(!found.help.contains("together"), "{found}");
    }
}

#[test]
fn unknown_symbol_may_be_the_linker_scripts_and_can_be_allowed() {
    let Some(link) = Link::new("unknown_symbol_may_be_the_linker_scripts_and_can_be_allowed")
    else {
        return;
    };
    let user = link.object("user", CBZ);
    let found = finding(&[&user]);
    let words = "none of the inputs defines target: the linker script may";
    assert!(found.message.contains(words), "{found}");
    // A script's symbol is in no section, so a group does not help.
    assert!(
        found
            .help
            .contains("ALT_REACH_ALLOW=other-section:target for `alt-ld`"),
        "{found}"
    );
    assert!(!found.help.contains("together"), "{found}");
    assert_eq!(
        (found.rule, &reference(&found).defined),
        ("other-section", &None)
    );
    for (allow, left) in [
        ("other-section", 0),
        ("other-section:target", 0),
        ("other-section:other", 1),
        ("too-far", 1),
        ("too-far:target", 1),
        ("group-too-large", 1),
    ] {
        let allow = vec![allow.parse().unwrap()];
        let report = branch_range::check([&user], &Options { allow, ..options() }).unwrap();
        assert_eq!(report.findings.len(), left);
    }
}

#[test]
fn names_of_rust_are_shown_as_people_write_them() {
    let Some(link) = Link::new("names_of_rust_are_shown_as_people_write_them") else {
        return;
    };
    let text = "
        .section .text.a, \"ax\"
        .type _ZN6kernel4exit17h0123456789abcdefE, %function
        _ZN6kernel4exit17h0123456789abcdefE: b.ne _RNvCs1234_6kernel5panic
    ";
    let found = finding(&[&link.object("a", text)]);
    assert_eq!(reference(&found).symbol, "kernel::panic");
    assert_eq!(reference(&found).instruction, "b.ne kernel::panic");
    assert_eq!(location(&found).3, Some("kernel::exit"));
}
