//! Instrumentation that compilers add for the kernel. It cannot work at another exception level:
//! the functions that it calls and the memory that it writes are not mapped.

use alt_diagnostic::Diagnostic;

use super::LintContext;
use crate::partial_link::rules;

/// Symbols that instrumented code refers to; a final `*` matches any rest.
const SYMBOLS: [(&str, &str); 12] = [
    ("__stack_chk_fail", "stack protector (-fstack-protector)"),
    ("__stack_chk_guard", "stack protector (-fstack-protector)"),
    ("_mcount", "function tracing (-pg)"),
    ("__fentry__", "function tracing (-pg -mfentry)"),
    ("__asan_*", "address sanitizer"),
    ("__hwasan_*", "hardware-assisted address sanitizer"),
    ("__tsan_*", "thread sanitizer"),
    ("__sanitizer_cov_*", "coverage (-fsanitize-coverage)"),
    (
        "__llvm_profile_*",
        "profiling (-C profile-generate, -C instrument-coverage)",
    ),
    ("__llvm_gcov_*", "coverage (--coverage)"),
    ("__gcov_*", "coverage (--coverage)"),
    ("llvm_gcda_*", "coverage (--coverage)"),
];

/// Sections that instrumentation adds.
const SECTIONS: [(&str, &str); 5] = [
    (
        "__patchable_function_entries",
        "function tracing (-fpatchable-function-entry)",
    ),
    ("__mcount_loc", "function tracing (-pg)"),
    (
        "__llvm_prf_*",
        "profiling (-C profile-generate, -C instrument-coverage)",
    ),
    ("__llvm_cov*", "coverage (-C instrument-coverage)"),
    ("__sancov_*", "coverage (-fsanitize-coverage)"),
];

/// `str x30, [x18], #8` and `ldr x30, [x18, #-8]!`, which push to and pop from the shadow call
/// stack.
const SHADOW_STACK: [u32; 2] = [0xf800_865e, 0xf85f_8e5e];

fn known(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    let mut entries = table.iter();
    let known = entries.find(|(pattern, _)| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *pattern,
    });
    known.map(|(_, what)| *what)
}

/// The instrumentation that refers to a symbol.
pub(super) fn symbol(name: &str) -> Option<&'static str> {
    known(&SYMBOLS, name)
}

/// The instrumentation that adds a section.
pub(super) fn section(name: &str) -> Option<&'static str> {
    known(&SECTIONS, name)
}

pub(super) fn sections(context: &LintContext<'_>, found: &mut Vec<Diagnostic>) {
    for (_, loaded) in context.object.loaded() {
        if let Some(what) = section(loaded.name) {
            let places = context.sections(loaded.name).into_iter();
            found.extend(places.map(|place| {
                let message = format!("{what}: section {place}");
                rules::INSTRUMENTATION.violation(place, message)
            }));
        }
    }
}

pub(super) fn shadow_stack(context: &LintContext<'_>, found: &mut Vec<Diagnostic>) {
    for (index, section) in context.object.loaded() {
        let mut reported = None;
        for (offset, word) in section.instructions() {
            let owner = context.graph.owner(index, offset);
            if SHADOW_STACK.contains(&word) && (reported != owner || owner.is_none()) {
                reported = owner;
                let place = context.place(index, offset);
                let message = place.to_string();
                found.push(rules::SHADOW_STACK.violation(place, message));
            }
        }
    }
}
