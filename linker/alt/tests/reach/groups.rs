//! Keep-together groups: who is in one, how large it may be, and that it stays in one piece.

use std::path::Path;

use alt_linker::branch_range::Group;
use test_support::Linker;

use crate::link::{Link, address, check, finding, location, reference, succeed};

/// A script with the fragment, and one that takes groups for any text.
const TOGETHER: &str =
    "SECTIONS { .text : { *(.text.first) INCLUDE together.x *(.text .text.*) } }\n";
const APART: &str = "SECTIONS { .text : { *(.text.first) *(.text .text.*) } }\n";

/// In three objects, in the order of the link: a user, a megabyte and a half that is alive, and
/// what is used. `dead` is collected.
fn objects(link: &Link) -> [std::path::PathBuf; 3] {
    let user = "
        .section .text.first, \"ax\"
        .globl _start
        _start: bl user
            bl between
        .section .text.together.entry, \"ax\"
        .globl user
        .type user, %function
        user: cbz x0, used
            tbz x0, #3, used
            adr x1, constant
            ldr x2, constant
            ret
        .section .text.together.entry.dead, \"ax\"
        dead: .space 64
    ";
    let between = "
        .section .text.between, \"ax\"
        .globl between
        between: .space 1536 << 10
    ";
    let used = "
        .section .text.together.other, \"ax\"
        .globl other
        other: ret
        .section .text.together.entry, \"ax\"
        .globl used
        used: b other
        .section .text.together.entry.rodata, \"a\"
        .globl constant
        .balign 8
        constant: .quad 5
    ";
    [("user", user), ("between", between), ("used", used)]
        .map(|(name, text)| link.object(name, text))
}

#[test]
fn group_stays_in_one_piece_through_garbage_collection() {
    let test = "group_stays_in_one_piece_through_garbage_collection";
    let Some(link) = Link::new(test) else { return };
    let objects = objects(&link);
    let objects = objects.each_ref().map(|path| path.as_path());
    let report = check(&objects);
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    let group = |name: &str, sections, size| Group {
        name: name.into(),
        sections,
        size,
    };
    // 20 + 4, 64 dead ones, padding to 8, 8; and 4 for the place of the first.
    let expected = [group("entry", 4, 20 + 4 + 64 + 8 + 4), group("other", 1, 4)];
    assert_eq!(report.groups, expected);

    let together = format!("-T{}", link.write("together.ld", TOGETHER).display());
    let apart = format!("-T{}", link.write("apart.ld", APART).display());
    for &linker in Linker::installed(test) {
        let arguments = ["--gc-sections", "-e_start", &together];
        let image = link.link(linker, &objects, &arguments).unwrap();
        let at = |name| address(&image, name);
        assert_eq!(at("used"), at("user") + 20, "{linker:?}: side by side");
        assert_eq!(at("constant"), (at("user") + 24).next_multiple_of(8));
        assert!(at("other").abs_diff(at("user")) < 64);

        let arguments = ["--gc-sections", "-e_start", &apart];
        let words = link.link(linker, &objects, &arguments).unwrap_err();
        assert!(words.contains("R_AARCH64_CONDBR19"), "{linker:?}: {words}");
    }
}

/// A group that takes `size` bytes, with one instruction from its beginning to its end.
fn group(link: &Link, instruction: &str, size: u64) -> [std::path::PathBuf; 2] {
    let user = format!(
        ".section .text.together.entry, \"ax\"\n.globl f\n.type f, %function\nf: {instruction}target\n"
    );
    let rest = format!(
        ".section .text.together.entry, \"ax\"\n.space {}\n.globl target\ntarget: ret\n",
        size - 8
    );
    [link.object("user", &user), link.object("rest", &rest)]
}

#[test]
fn group_larger_than_its_smallest_reach_is_refused() {
    let Some(link) = Link::new("group_larger_than_its_smallest_reach_is_refused") else {
        return;
    };
    for (instruction, size, max) in [
        ("tbz w0, #3, ", 40_968, 32_764),
        ("b.lt ", 1_048_960, 1_048_572),
        ("ldr x0, ", 1_048_960, 1_048_572),
        ("adr x0, ", 1_048_960, 1_048_575),
    ] {
        let [user, rest] = group(&link, instruction, size);
        let found = finding(&[&user, &rest]);
        assert_eq!(found.rule, "group-too-large");
        let (file, _, _, function) = location(&found);
        assert_eq!((file, function), ("user.o", Some("f")));
        let words =
            format!("the group entry has {size} bytes in 2 sections; `{instruction}target`");
        assert!(found.message.contains(&words), "{found}");
        assert!(
            found.help.contains(&format!("it may have {max} bytes")),
            "{found}"
        );
        // The largest that is not refused does link.
        let size = max & !3;
        let [user, rest] = group(&link, instruction, size);
        let objects: [&Path; 2] = [&user, &rest];
        assert!(check(&objects).findings.is_empty());
        let script = format!("-T{}", link.write("together.ld", TOGETHER).display());
        link.link(Linker::Lld, &objects, &["-ef", &script]).unwrap();
    }
    // The smallest counts: a TBZ in a group that a CBZ would still cross.
    let [user, rest] = group(&link, "cbz x0, ", 40_000);
    assert!(check(&[&user, &rest]).findings.is_empty());
    let tbz =
        ".section .text.together.entry, \"ax\"\n.globl g\n.type g, %function\ng: tbz x0, #1, f\n";
    let tbz = link.object("tbz", tbz);
    let found = finding(&[&user, &rest, &tbz]);
    assert_eq!(
        (location(&found).0, reference(&found).instruction.as_str()),
        ("tbz.o", "tbz w0, #1, f")
    );
}

#[test]
fn other_groups_are_other_sections() {
    let Some(link) = Link::new("other_groups_are_other_sections") else {
        return;
    };
    for (from, to) in [
        (".text.together.a", ".text.together.b"),
        (".text.together.a", ".text.a"),
        (".text.together.a", ".rodata.together.a"),
        // No groups: their names would not sort as groups do.
        (".text.together.a-b", ".text.together.a-b.c"),
        (".text.together.", ".text.together..c"),
    ] {
        let text = format!(
            ".section {from}, \"ax\"\nldr x0, target\n.section {to}, \"a\"\n.globl target\ntarget: .quad 0\n"
        );
        let found = finding(&[&link.object("a", &text)]);
        assert_eq!(found.rule, "other-section", "{from} {to}");
    }
    // Behind the end of a section of the group, anything may be.
    let text = "
        .section .text.together.a, \"ax\"
        adr x0, target + 16
        .section .text.together.a.b, \"a\"
        .globl target
        target: .quad 0
    ";
    assert_eq!(finding(&[&link.object("a", text)]).rule, "other-section");
}

/// With link-time optimisation, the functions of several crates' groups are in one object.
const RUST: &str = r#"
    #![no_std]
    #![no_main]
    use core::arch::{global_asm, naked_asm};

    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! { loop {} }

    global_asm!(".pushsection .text.between, \"ax\"", ".globl between", "between: .space 1536 << 10", ".popsection");
    unsafe extern "C" { fn between(); }

    #[unsafe(no_mangle)]
    #[unsafe(link_section = ".text.first")]
    extern "C" fn _start() {
        unsafe { between() };
        one::user(0);
        two::keep();
    }

    mod one {
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        #[unsafe(link_section = ".text.together.entry")]
        pub extern "C" fn user(_: u64) {
            super::naked_asm!("cbz x0, {used}", "adr x0, {constant}", "ret", used = sym super::two::used, constant = sym super::two::CONSTANT)
        }
    }
    mod two {
        #[unsafe(no_mangle)]
        #[unsafe(link_section = ".text.together.entry")]
        #[inline(never)]
        pub extern "C" fn used() { unsafe { super::between() } }
        #[unsafe(no_mangle)]
        #[unsafe(link_section = ".text.together.entry.rodata")]
        pub static CONSTANT: u64 = 5;
        #[unsafe(no_mangle)]
        #[inline(never)]
        pub extern "C" fn keep() -> u64 { unsafe { core::ptr::read_volatile(&CONSTANT) } }
    }
"#;

#[test]
fn group_stays_in_one_piece_with_link_time_optimisation() {
    let Some(link) = Link::new("group_stays_in_one_piece_with_link_time_optimisation") else {
        return;
    };
    let (source, script) = (link.write("a.rs", RUST), link.write("a.ld", TOGETHER));
    let image = link.path("image");
    for flags in [
        ["-Clto=off", "-Ccodegen-units=16"],
        ["-Clto=fat", "-Ccodegen-units=1"],
        ["-Clto=thin", "-Ccodegen-units=16"],
    ] {
        let mut rustc = link.rustc();
        rustc.arg("-Copt-level=2").args(flags).arg(&source);
        rustc.arg(format!("-Clink-arg=-T{}", script.display()));
        // Which looks at each of them, before.
        rustc.arg(concat!("-Clinker=", env!("CARGO_BIN_EXE_alt-ld")));
        succeed(rustc.arg("-o").arg(&image));
        let at = |name| address(&image, name);
        for name in ["used", "CONSTANT"] {
            assert!(at(name).abs_diff(at("user")) < 128, "{flags:?}: {name}");
        }
    }
}
