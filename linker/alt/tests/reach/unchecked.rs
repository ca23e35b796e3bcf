//! What the lint cannot look at is said, and never called clean.

use std::process::Command;

use test_support::{GNU_LD, Linker, skip};

use crate::link::{Link, check, location};
use crate::program::alt;

const RET: &str = ".section .text.f, \"ax\"\n.globl f\nf: ret\n";

/// As GCC writes it: sections that no linker keeps, and no instruction.
const SLIM: &str = ".section .gnu.lto_.decls.0123456789abcdef, \"e\", %progbits\n.byte 1\n";

#[test]
fn slim_objects_of_gcc_are_not_checked() {
    let Some(link) = Link::new("slim_objects_of_gcc_are_not_checked") else {
        return;
    };
    link.object("slim", SLIM);
    link.object("f", RET);
    let why = "not checked: slim.o: code of GCC for link-time optimisation";
    let (status, out, _) = alt(&link, &["slim.o", "f.o"]);
    assert_eq!(status, 0);
    assert!(out.starts_with(why), "{out}");
    let end = "no findings: 1 object, 0 references of short reach; 1 of GCC's GIMPLE not checked\n";
    assert!(out.ends_with(end), "{out}");
    assert!(!out.contains("clean"), "{out}");
    // Without any instruction there is nothing to judge.
    let (status, out, error) = alt(&link, &["slim.o"]);
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(
        error.contains("there is nothing to check: slim.o: code of GCC"),
        "{error}"
    );
    // With -ffat-lto-objects there is machine code as well.
    link.object("fat", &format!("{SLIM}{RET}"));
    let (status, out, _) = alt(&link, &["fat.o"]);
    let clean = "clean: 1 object, 0 references of short reach\n";
    assert_eq!((status, out.as_str()), (0, clean));
}

#[test]
fn module_of_linux_is_not_approved() {
    let Some(link) = Link::new("module_of_linux_is_not_approved") else {
        return;
    };
    let table =
        ".section .altinstructions, \"a\"\n.word f - .\n.word f - .\n.hword 1\n.byte 4, 4\n";
    link.object("module", &format!("{RET}{table}"));
    let (status, out, _) = alt(&link, &["module.o"]);
    let expected = "not checked: module.o: its alternatives, which `alt verify` checks\n\
                    no findings: 1 object, 0 references of short reach; the alternatives of 1 not \
                    checked\n";
    assert_eq!((status, out.as_str()), (0, expected));
}

/// A function with a branch record of its own, as the macros write it.
fn function(name: &str) -> String {
    format!(
        ".section .text.{name}, \"ax\"\n.globl {name}\n{name}: nop\nret\n\
         .section alt_branches, \"ao\", %progbits, .text.{name}\n\
         .word {name} - .\n.hword 1, 3\n"
    )
}

#[test]
fn joined_tables_are_found() {
    let Some(link) = Link::new("joined_tables_are_found") else {
        return;
    };
    // A record of g in the table of f.
    let text = format!("{}.word g - .\n.hword 1, 3\n{RET}", function("a"));
    let text = text.replace("f:", "g:").replace(".globl f", ".globl g");
    let object = link.object("joined", &text);
    let report = check(&[&object]);
    let [found] = &report.findings[..] else {
        panic!("{:?}", report.findings);
    };
    let message = "the table alt_branches belongs to .text.a and has records of .text.f, too";
    assert_eq!(found.rule, "joined-tables");
    assert!(found.message.starts_with(message), "{found}");
    let (file, section, offset, _) = location(found);
    assert_eq!((file, section, offset), ("joined.o", "alt_branches", 8));
    let allowed = alt(&link, &["joined.o", "--allow", "joined-tables"]);
    assert_eq!(allowed.0, 0);
}

#[test]
fn gnu_ld_joins_tables_and_lld_does_not() {
    let test = "gnu_ld_joins_tables_and_lld_does_not";
    let Some(link) = Link::new(test) else { return };
    if skip::without_binutils(test, GNU_LD) {
        return;
    }
    let [a, b] = ["a", "b"].map(|name| link.object(name, &function(name)));
    for (linker, joined) in [(Linker::Lld, 0), (Linker::Gnu, 1)] {
        let out = link.path("partial.o");
        let mut command: Command = linker.command();
        let output = command
            .arg("-r")
            .args([&a, &b])
            .arg("-o")
            .arg(&out)
            .output();
        assert!(output.unwrap().status.success(), "{linker:?}");
        assert_eq!(check(&[&out]).findings.len(), joined, "{linker:?}");
    }
}
