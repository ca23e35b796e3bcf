//! Names: of exports, of what is in the namespace already, and of what is there twice.

use alt_linker::partial_link::PartialLinkError;
use object::{Object, ObjectSymbol};

use crate::support::{Bench, PLAIN, expect};

const INIT: &str = ".section .text.init, \"ax\"\n.globl init\ninit: ret\n";

#[test]
fn an_export_that_nothing_defines_is_told() {
    let Some(bench) = Bench::new("an_export_that_nothing_defines_is_told") else {
        return;
    };
    let object = bench.assemble(INIT, "fixture.o");
    let message = bench.refused("exports = [\"init\", \"inti\", \"vectors\"]\n", &[&object]);
    expect(
        &message,
        &["exports without a definition:\n  inti (did you mean `init`?)\n  vectors\n"],
    );
    // What nothing keeps is known from the inputs.
    expect(
        &bench.refused("exports = [\"inti\"]\n", &[&object]),
        &["inti (did you mean `init`?)"],
    );
    // A local symbol is not an export.
    let text = format!("{INIT}local: ret\n");
    expect(
        &bench.refused_text("exports = [\"init\", \"local\"]\n", &text),
        &["\n  local\n"],
    );
}

#[test]
fn nothing_is_named_twice() {
    let Some(bench) = Bench::new("nothing_is_named_twice") else {
        return;
    };
    let text = format!(
        "{INIT}.globl __hyp_old\n__hyp_old: ret\n.globl _ZN1a1b17h0123456789abcdefE.hyp\n\
         _ZN1a1b17h0123456789abcdefE.hyp: ret\n.globl hyper\nhyper: ret"
    );
    let message = bench.refused_text(PLAIN, &text);
    expect(
        &message,
        &[
            "whose names contain the namespace already",
            "\n  __hyp_old\n",
            "abcdefE.hyp\n",
        ],
    );
    assert!(!message.contains("hyper"), "{message}");

    // What was linked cannot be linked again.
    let object = bench.assemble(INIT, "fixture.o");
    let linked = bench.link(PLAIN, &[&object]).unwrap();
    let again = bench.path("again.o");
    std::fs::rename(linked, &again).unwrap();
    let message = bench.refused("exports = [\"__hyp_init\"]\n", &[&again]);
    expect(&message, &["\n  __hyp_init\n"]);
}

#[test]
fn duplicates_are_told_in_the_words_of_the_linker() {
    let Some(bench) = Bench::new("duplicates_are_told_in_the_words_of_the_linker") else {
        return;
    };
    let one = bench.assemble(&format!("{INIT}.globl twice\ntwice: ret"), "one.o");
    let two = bench.assemble(".globl twice\ntwice: ret", "two.o");
    let error = bench.link(PLAIN, &[&one, &two]).unwrap_err();
    let PartialLinkError::Duplicate { symbols, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(symbols, &["twice"]);
    expect(
        &error.to_string(),
        &["twice is defined more than once", "one.o", "two.o"],
    );
    assert_eq!(bench.alt(PLAIN, &[&one, &two]).status.code(), Some(1));
    assert!(!bench.path("out.o").exists());
}

/// C++ and C's inline functions: the same in many objects, in groups; the linker takes one of each.
#[test]
fn groups_are_settled() {
    let Some(bench) = Bench::new("groups_are_settled") else {
        return;
    };
    let group = ".section .text.inline, \"axG\", %progbits, inline, comdat\n.weak inline\n\
                 inline: nop\nret\n";
    let one = ".section .text.init, \"ax\"\n.globl init\ninit: bl inline\nb two\n";
    let one = bench.assemble(&format!("{one}{group}"), "one.o");
    let two = ".section .text.two, \"ax\"\n.globl two\ntwo: b inline\n";
    let two = bench.assemble(&format!("{two}{group}"), "two.o");
    let object = bench.link(PLAIN, &[&one, &two]).unwrap();
    let bytes = std::fs::read(object).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    assert_eq!(file.comdats().count(), 0);
    let inline = file
        .symbols()
        .filter(|symbol| symbol.name() == Ok("__hyp_inline"));
    assert_eq!(inline.count(), 1);
}

#[test]
fn common_symbols_are_refused() {
    let Some(bench) = Bench::new("common_symbols_are_refused") else {
        return;
    };
    let text = ".section .text.init, \"ax\"\n.globl init\ninit: adrp x0, buffer\nret\n\
                .comm buffer, 64, 8\n";
    expect(
        &bench.refused_text(PLAIN, text),
        &["\n  buffer\n", "-fno-common"],
    );
}
