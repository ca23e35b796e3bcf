//! Names: of exports, of what is in the namespace already, and of what is there twice.

use alt_linker::hyp::HypError;

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
        &["exports that nothing defines:\n  inti (did you mean `init`?)\n  vectors\n"],
    );
    // A local symbol is nobody's export.
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
            "have the namespace in their names",
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
    let HypError::Duplicate { symbols, .. } = &error else {
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
