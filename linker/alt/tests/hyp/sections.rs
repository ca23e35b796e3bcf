//! Sections that no pattern matches, patterns that match no section, and permissions.

use crate::support::{Bench, PLAIN, expect};

const INIT: &str = ".section .text.init, \"ax\"\n.globl init\ninit: ret\n";

#[test]
fn an_orphan_is_told_with_its_file() {
    let Some(bench) = Bench::new("an_orphan_is_told_with_its_file") else {
        return;
    };
    let text = ".section .text.init, \"ax\"\n.globl init\ninit: adrp x0, here\nret\n\
                .section .foo, \"aw\"\nhere: .xword 1";
    let object = bench.assemble(text, "orphan.o");
    let message = bench.refused(PLAIN, &[&object]);
    expect(
        &message,
        &[
            "orphan section .foo of orphan.o",
            "[sections] of the manifest",
        ],
    );

    let output = bench.alt(PLAIN, &[&object]);
    assert_eq!(output.status.code(), Some(1));
    expect(
        &String::from_utf8_lossy(&output.stderr),
        &["error: ", "orphan section .foo of orphan.o"],
    );
    assert!(!bench.path("out.o").exists());

    let more = bench.assemble(".section .foo, \"awR\"\n.xword 1", "more.o");
    let message = bench.refused(PLAIN, &[&object, &more]);
    expect(
        &message,
        &["orphan section .foo of more.o\n  orphan section .foo of orphan.o\n"],
    );

    let manifest = format!("{PLAIN}[sections]\n\".data.foo\" = [\".foo\"]\n");
    bench.link(&manifest, &[&object]).unwrap();
}

#[test]
fn callbacks_are_for_the_kernel_to_define() {
    let Some(bench) = Bench::new("callbacks_are_for_the_kernel_to_define") else {
        return;
    };
    let text = ".section .text.init, \"ax\"\n.globl init\ninit: adrp x0, here\nret\n\
                .section alt_callbacks, \"a\"\nhere: .xword 1";
    let message = bench.refused_text(PLAIN, text);
    expect(
        &message,
        &[
            "alt_callbacks of fixture.o",
            "run in the kernel",
            "NAME = \"callback\"",
        ],
    );
    assert!(!message.contains("orphan"), "{message}");
}

#[test]
fn patterns_that_take_nothing_are_dead() {
    let Some(bench) = Bench::new("patterns_that_take_nothing_are_dead") else {
        return;
    };
    let object = bench.assemble(
        &format!("{INIT}.section .data.a1, \"aw\"\n.xword 1\n.section .rodata.b, \"a\"\n.xword 1"),
        "fixture.o",
    );
    let manifest = |sections: &str| format!("{PLAIN}[sections]\n{sections}\n");
    let message = bench.refused(
        &manifest("\".data.x\" = [\".nowhere\", \".data.a?\"]"),
        &[&object],
    );
    expect(
        &message,
        &[".nowhere, for .hyp.data.x: it matches no section"],
    );
    assert!(!message.contains(".data.a?"), "{message}");
    // No pattern covers another here, but nothing is left.
    let message = bench.refused(
        &manifest("\".data.x\" = [\".data.a?\"]\n\".data.y\" = [\".data.*1\"]"),
        &[&object],
    );
    expect(
        &message,
        &[".data.*1, for .hyp.data.y: `.data.a?`, which comes first, takes all of it"],
    );
    // The usual patterns of a section come before those of the next.
    let message = bench.refused(
        &manifest("\".rodata\" = [\".rodata.b\"]\n\".data\" = [\".rodata.?\"]"),
        &[&object],
    );
    expect(
        &message,
        &[".rodata.?, for .hyp.data: `.rodata.b`, which comes first"],
    );
}

#[test]
fn a_pattern_behind_a_catch_all_is_dead() {
    let Some(bench) = Bench::new("a_pattern_behind_a_catch_all_is_dead") else {
        return;
    };
    let object = bench.assemble(INIT, "fixture.o");
    let manifest = format!("{PLAIN}[sections]\n\".data\" = [\".data.*\", \".data..percpu\"]\n");
    let message = bench.refused(&manifest, &[&object]);
    expect(
        &message,
        &[
            "hyp.toml:3:23: the pattern `.data..percpu` is dead: `.data.*`, which comes first",
            "put the specific pattern before the general one",
        ],
    );
    let output = bench.alt(&manifest, &[&object]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn sections_keep_the_rights_of_their_names() {
    let Some(bench) = Bench::new("sections_keep_the_rights_of_their_names") else {
        return;
    };
    for (section, flags, expected) in [
        (
            ".rodata.odd",
            "aw",
            ".hyp.rodata would be writable: .rodata.odd of fixture.o",
        ),
        (
            ".data.odd",
            "awx",
            ".hyp.data would be executable: .data.odd of fixture.o",
        ),
        (
            ".text.odd",
            "awx",
            ".hyp.text would be writable code: .text.odd of fixture.o",
        ),
    ] {
        let text = format!(
            ".section .text.init, \"ax\"\n.globl init\ninit: adrp x0, here\nret\n\
             .section {section}, \"{flags}\"\nhere: .xword 1"
        );
        expect(&bench.refused_text(PLAIN, &text), &[expected]);
    }
    let manifest = format!("{PLAIN}[sections]\n\".odd\" = [\".odd\"]\n");
    let text = ".section .text.init, \"ax\"\n.globl init\ninit: adrp x0, here\nret\n\
                .section .odd, \"awx\"\nhere: .xword 1";
    expect(
        &bench.refused_text(&manifest, text),
        &[".hyp.odd would be writable code: .odd"],
    );
}

/// An empty section has the permissions of its name, and not those of the section before it.
#[test]
fn empty_sections_ask_for_no_rights() {
    let Some(bench) = Bench::new("empty_sections_ask_for_no_rights") else {
        return;
    };
    let object = bench.assemble(
        &format!("{INIT}.section .data.a, \"awR\"\n.xword 1\n"),
        "fixture.o",
    );
    let manifest =
        format!("{PLAIN}[sections]\n\".data\" = [\".data.?\"]\n\".rodata\" = [\".keys\"]\n");
    // `.rodata` follows `.data` in the script, and holds nothing.
    let message = bench.refused(&manifest, &[&object]);
    expect(&message, &[".keys, for .hyp.rodata: it matches no section"]);
    assert!(!message.contains("writable"), "{message}");
}

/// Records are sorted by the section that their table is linked to: by one.
#[test]
fn sites_are_in_one_section_of_code() {
    let Some(bench) = Bench::new("sites_are_in_one_section_of_code") else {
        return;
    };
    let site = |section: &str, symbol: &str| {
        format!(
            ".section {section}, \"ax\"\n.globl {symbol}\n{symbol}: nop\nret\n\
             .pushsection alt_branches, \"ao\", %progbits, {symbol}\n\
             .long {symbol} - .\n.hword 0\n.hword 1\n.popsection\n"
        )
    };
    let text = site(".text.init", "init") + &site(".idmap.text", "enter");
    let exports = "exports = [\"init\", \"enter\"]\n[sections]\n";
    let message = bench.refused_text(&format!("{exports}\".idmap\" = [\".idmap.text\"]\n"), &text);
    expect(
        &message,
        &[
            "alt_branches: ",
            "sites in more than one section of code",
            ".hyp.idmap",
        ],
    );
    let object = bench.path("fixture.o");
    bench
        .link(
            &format!("{exports}\".text\" = [\".idmap.text\"]\n"),
            &[&object],
        )
        .unwrap();
}

/// As `-fpie` makes it of a constant table of pointers.
#[test]
fn constants_that_will_be_writable_are_said() {
    let Some(bench) = Bench::new("constants_that_will_be_writable_are_said") else {
        return;
    };
    let text = |section: &str, flags: &str| {
        format!(
            ".section .text.init, \"ax\"\n.globl init\n.type init, %function\n\
             init: adrp x0, table\nadd x0, x0, :lo12:table\nret\n\
             .section {section}.table, \"{flags}\"\n.balign 8\ntable: .quad init\n"
        )
    };
    for (section, flags, said) in [(".data.rel.ro", "aw", true), (".rodata", "a", false)] {
        let object = bench.assemble(&text(section, flags), "fixture.o");
        let output = bench.alt("exports = [\"init\"]\n", &[&object]);
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{words}");
        let warning = "warning: constant data is writable in .hyp.data: .data.rel.ro.table of \
                       fixture.o; compile with -fno-pie";
        assert_eq!(words.contains(warning), said, "{section}: {words}");
    }
}
