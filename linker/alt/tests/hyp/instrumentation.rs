//! Instrumented code.

use crate::support::{Bench, PLAIN, expect};

#[test]
fn symbols_of_instrumentation_are_named_as_such() {
    let Some(bench) = Bench::new("symbols_of_instrumentation_are_named_as_such") else {
        return;
    };
    for (symbol, what) in [
        ("__stack_chk_fail", "stack protector"),
        ("__stack_chk_guard", "stack protector"),
        ("_mcount", "function tracing"),
        ("__fentry__", "function tracing"),
        ("__asan_report_load8", "address sanitizer"),
        ("__hwasan_check", "hardware-assisted address sanitizer"),
        ("__tsan_func_entry", "thread sanitizer"),
        ("__sanitizer_cov_trace_pc", "coverage"),
        ("__llvm_profile_runtime", "profiling"),
        ("__llvm_gcov_init", "coverage"),
        ("__gcov_init", "coverage"),
        ("llvm_gcda_start_file", "coverage"),
    ] {
        let text = format!(
            ".section .text.init, \"ax\"\n.globl init\ninit: b helper\n\
             .section .text.helper, \"ax\"\nhelper: bl {symbol}\nret"
        );
        let message = bench.refused_text(PLAIN, &text);
        let path = format!("from: init\n      to: helper\n      to: {symbol}");
        expect(
            &message,
            &[
                "instrumented code",
                what,
                symbol,
                &path,
                "without instrumentation",
            ],
        );
        // Nobody can allow it.
        let manifest = format!("{PLAIN}[allow]\n{symbol} = \"bound\"\n");
        expect(
            &bench.refused_text(&manifest, &text),
            &["instrumented code"],
        );
    }
}

#[test]
fn sections_of_instrumentation_are_named_as_such() {
    let Some(bench) = Bench::new("sections_of_instrumentation_are_named_as_such") else {
        return;
    };
    for (section, what) in [
        ("__patchable_function_entries", "function tracing"),
        ("__mcount_loc", "function tracing"),
        ("__llvm_prf_cnts", "profiling"),
        ("__llvm_covmap", "coverage"),
        ("__sancov_guards", "coverage"),
    ] {
        let text = format!(
            ".section .text.init, \"ax\"\n.globl init\ninit: nop\nret\n\
             .section {section}, \"awo\", %progbits, init\n.xword init"
        );
        let message = bench.refused_text(PLAIN, &text);
        let line = format!("section {section} of fixture.o");
        expect(&message, &["instrumented code", what, &line]);
        assert!(!message.contains("orphan"), "{message}");
    }
}

/// As a compiler makes it, not only by its names.
#[test]
fn stack_protector_of_a_compiler_is_found() {
    let Some(bench) = Bench::new("stack_protector_of_a_compiler_is_found") else {
        return;
    };
    // The output of clang 14 for a function with a buffer, shortened.
    let text = ".section .text.init, \"ax\"\n.globl init\n.type init, %function\ninit:\n\
        adrp x8, __stack_chk_guard\nldr x8, [x8, :lo12:__stack_chk_guard]\nldr x9, [sp, #8]\n\
        cmp x8, x9\nb.ne 1f\nret\n1: bl __stack_chk_fail\n";
    let message = bench.refused_text(PLAIN, text);
    expect(
        &message,
        &[
            "__stack_chk_guard\n    at: init+0x0 of",
            "__stack_chk_fail\n    at: init+0x18 of",
        ],
    );
}

/// GNU as 2.40: `str x30, [x18], #8` is f800865e, `ldr x30, [x18, #-8]!` is f85f8e5e.
#[test]
fn shadow_call_stacks_are_listed_by_function() {
    let Some(bench) = Bench::new("shadow_call_stacks_are_listed_by_function") else {
        return;
    };
    let text = ".section .text.init, \"ax\"\n.globl init\n.type init, %function\ninit:\n\
        nop\n.inst 0xf800865e\nbl other\n.inst 0xf85f8e5e\nret\n.size init, . - init\n\
        .section .text.other, \"ax\"\n.type other, %function\nother:\nldr x30, [x18, #-8]!\nret\n\
        .xword 0\n.size other, . - other\n\
        .section .text.fine, \"ax\"\n.globl fine\n.type fine, %function\nfine:\nldr w0, 1f\nret\n\
        1: .word 0xf800865e\n";
    let message = bench.refused_text("exports = [\"init\", \"fine\"]\n", text);
    expect(
        &message,
        &[
            "shadow call stack",
            "\n  init+0x4 of fixture.o\n  other+0x0 of fixture.o\n  help: ",
        ],
    );
    // A word of data is no instruction.
    assert!(!message.contains("fine"), "{message}");
}
