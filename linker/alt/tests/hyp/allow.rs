//! Symbols of the kernel.

use object::{Object, ObjectSymbol};

use crate::support::{Bench, PLAIN, expect};

/// What is done with `kernel_symbol` in `helper`, which the export calls.
fn text(what: &str) -> String {
    format!(
        ".section .text.init, \"ax\"\n.globl init\n.type init, %function\ninit:\nbl helper\nret\n\
         .section .text.helper, \"ax\"\n.type helper, %function\nhelper:\nnop\n{what}\nret\n"
    )
}

const ADDRESS: &str = "adrp x0, kernel_symbol\nadd x0, x0, :lo12:kernel_symbol";

#[test]
fn what_is_not_allowed_is_told_with_the_way_to_it() {
    let Some(bench) = Bench::new("what_is_not_allowed_is_told_with_the_way_to_it") else {
        return;
    };
    let text = text(ADDRESS) + "b _ZN6kernel3log17h0123456789abcdefE\n";
    let object = bench.assemble(&text, "fixture.o");
    let message = bench.refused(PLAIN, &[&object]);
    let path = |last: &str| format!("    from: init\n      to: helper\n      to: {last}\n");
    expect(
        &message,
        &[
            "  kernel_symbol\n    at: helper+0x4 of fixture.o\n",
            &path("kernel_symbol"),
            "  kernel::log\n    at: helper+0x10 of fixture.o\n",
            &path("kernel::log"),
            "add the symbol under [allow]",
        ],
    );
    let output = bench.alt(PLAIN, &[&object]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    expect(&stderr, &[&path("kernel_symbol")]);

    let manifest = format!(
        "{PLAIN}[allow]\nkernel_symbol = \"bound\"\n\
         _ZN6kernel3log17h0123456789abcdefE = \"eret-target\"\n"
    );
    let message = bench.refused(&manifest, &[&object]);
    expect(
        &message,
        &["is eret-target, but it is branched to at helper+0x10"],
    );
    assert!(!message.contains("kernel_symbol"), "{message}");
}

/// Through a table of pointers, a label in a function, and out of a replacement.
#[test]
fn the_way_goes_through_data_and_replacements() {
    let Some(bench) = Bench::new("the_way_goes_through_data_and_replacements") else {
        return;
    };
    let through_data = ".section .text.init, \"ax\"\n.globl init\n.type init, %function\ninit:\n\
        adrp x0, services\nret\n.section .rodata.services, \"a\"\n.balign 8\n\
        .type services, %object\nservices: .xword service\n\
        .section .text.service, \"ax\"\n.type service, %function\nservice:\nb kernel_symbol\n";
    let message = bench.refused_text(PLAIN, through_data);
    expect(
        &message,
        &["from: init\n      to: services\n      to: service\n      to: kernel_symbol\n"],
    );
    let replaced = ".section .text.init, \"ax\"\n.globl init\n.type init, %function\ninit:\n\
        site: nop\nret\n.size init, . - init\n\
        .section alt_replacements, \"ao\", %progbits, init\nnew: bl kernel_symbol\n\
        .section alt_records, \"ao\", %progbits, init\n.long site - .\n.long new - .\n\
        .hword 0\n.byte 1\n.byte 1\n";
    let message = bench.refused_text(PLAIN, replaced);
    expect(
        &message,
        &["from: init\n      to: new\n      to: kernel_symbol\n"],
    );
    // A branch within a section needs no relocation; a label in a function is no function.
    let settled = ".section .text, \"ax\"\n.globl init\n.type init, %function\ninit:\nb other\n\
        .size init, . - init\nbetween: ret\n.type other, %function\nother:\nnop\n\
        inner: bl kernel_symbol\nret\n.size other, . - other\n";
    let message = bench.refused_text(PLAIN, settled);
    expect(
        &message,
        &[
            "at: other+0x4 of",
            "from: init\n      to: other\n      to: kernel_symbol\n",
        ],
    );
    // Execution continues after a label.
    let falls =
        ".section .text.init, \"ax\"\n.globl init\ninit: mov x0, x1\nsecond: bl kernel_symbol\n";
    expect(
        &bench.refused_text(PLAIN, falls),
        &["from: init\n      to: second\n      to: kernel_symbol\n"],
    );
}

/// What each kind may be used for: the columns are record, branch, address, access, pointer.
#[test]
fn kinds_are_held_to() {
    let Some(bench) = Bench::new("kinds_are_held_to") else {
        return;
    };
    let record = text("")
        + ".section alt_records, \"ao\", %progbits, init\n.long init - .\n\
        .long kernel_symbol - .\n.hword 0x8000\n.byte 1\n.byte 0\n";
    let pointer = text("adrp x0, table")
        + ".section .rodata.table, \"a\"\n.balign 8\n\
        table: .xword kernel_symbol\n";
    let uses = [
        (record, "a record names it as a callback"),
        (text("bl kernel_symbol"), "it is branched to"),
        (text(ADDRESS), "its address is taken"),
        (
            text("adrp x0, kernel_symbol\nldr x0, [x0, :lo12:kernel_symbol]"),
            "it is loaded from",
        ),
        (pointer, "a pointer in data holds its address"),
    ];
    for (kind, allowed) in [
        ("callback", [true, false, false, false, false]),
        ("data-ro", [false, false, true, true, false]),
        ("data-rw", [false, false, true, true, false]),
        ("eret-target", [false, false, true, false, false]),
        ("bound", [false, false, true, false, false]),
    ] {
        let manifest = format!(
            "{PLAIN}[allow]\nkernel_symbol = \"{kind}\"\n\
             [mapped]\ndata-ro = [\".a\"]\ndata-rw = [\".b\"]\n"
        );
        for ((text, what), allowed) in uses.iter().zip(allowed) {
            let object = bench.assemble(text, "fixture.o");
            if allowed {
                let object = bench.link(&manifest, &[&object]).unwrap();
                std::fs::remove_file(object).unwrap();
                continue;
            }
            let message = bench.refused(&manifest, &[&object]);
            expect(&message, &[&format!("kernel_symbol is {kind}, but "), what]);
        }
    }
}

/// Not that of the record, which has no symbol.
#[test]
fn the_place_of_a_callback_is_its_site() {
    let Some(bench) = Bench::new("the_place_of_a_callback_is_its_site") else {
        return;
    };
    let record = |site: &str| {
        format!(".long {site} - .\n.long kernel_symbol - .\n.hword 0x8000\n.byte 1\n.byte 0\n")
    };
    let text = text(".Lsite: nop")
        + ".section alt_records, \"ao\", %progbits, init\n"
        + &record("init")
        + &record(".Lsite");
    let object = bench.assemble(&text, "fixture.o");
    let message = bench.refused(PLAIN, &[&object]);
    expect(
        &message,
        &["  kernel_symbol\n    at: init+0x0 of fixture.o\n"],
    );
    let manifest = format!("{PLAIN}[allow]\nkernel_symbol = \"bound\"\n");
    let message = bench.refused(&manifest, &[&object]);
    for site in ["init+0x0", "helper+0x4"] {
        let expected = format!("a record names it as a callback at {site} of fixture.o\n");
        expect(&message, &[&expected]);
    }
}

/// References from debug information come last, and do not count as a use.
#[test]
fn debug_information_is_no_use() {
    let Some(bench) = Bench::new("debug_information_is_no_use") else {
        return;
    };
    let text = text(ADDRESS) + ".section .debug_odd, \"\"\n.xword kernel_symbol\n";
    let object = bench.assemble(&text, "fixture.o");
    let message = bench.refused(PLAIN, &[&object]);
    expect(
        &message,
        &["  kernel_symbol\n    at: helper+0x4 of fixture.o\n"],
    );
    let manifest = format!("{PLAIN}[allow]\nkernel_symbol = \"bound\"\n");
    bench.link(&manifest, &[&object]).unwrap();
}

/// Weak or not: nothing would be there.
#[test]
fn weak_references_count() {
    let Some(bench) = Bench::new("weak_references_count") else {
        return;
    };
    let message = bench.refused_text(PLAIN, &(text(ADDRESS) + ".weak kernel_symbol\n"));
    expect(&message, &["kernel_symbol\n    at: helper+0x4"]);
}

#[test]
fn what_is_collected_asks_for_nothing() {
    let Some(bench) = Bench::new("what_is_collected_asks_for_nothing") else {
        return;
    };
    let text = ".section .text.init, \"ax\"\n.globl init\ninit: ret\n\
                .section .text.dead, \"ax\"\n.globl dead\ndead: bl kernel_symbol\n";
    // Nor does what is dropped.
    let text = format!("{text}.section .note.odd, \"a\"\n.xword ghost\n");
    let object = bench.assemble(&text, "fixture.o");
    let bytes = std::fs::read(&object).unwrap();
    assert!(undefined(&bytes).contains(&"ghost".to_owned()));
    let object = bench.link(PLAIN, &[&object]).unwrap();
    assert_eq!(undefined(&std::fs::read(object).unwrap()), [""; 0]);
}

fn undefined(object: &[u8]) -> Vec<String> {
    let file = object::File::parse(object).unwrap();
    let undefined = file.symbols().filter(|symbol| symbol.is_undefined());
    let names = undefined.map(|symbol| symbol.name().unwrap().to_owned());
    names.filter(|name| !name.is_empty()).collect()
}
