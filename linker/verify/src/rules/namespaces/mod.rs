//! Namespaces: code for another exception level, such as a hypervisor, that is linked into the
//! image, with a manifest in a section that is not loaded.

mod pointers;
mod symbols;

use alt_diagnostic::Severity;

use crate::config::Pattern;
use crate::context::Context;
use crate::rule::{ANY, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "namespace-manifest",
        severity: Severity::Error,
        formats: ANY,
        summary: "The manifest of each namespace is valid, and the image has the symbols that it names.",
        advice: "Link the object of `alt hyp-link` unchanged, keep its sections and \
                 `.alt_namespaces`, and verify the image before it is stripped.",
        check: manifests,
    },
    Rule {
        id: "namespace-symbol",
        severity: Severity::Error,
        formats: ANY,
        summary: "A kernel symbol that a namespace may use has the kind stated in the manifest, and \
                  is mapped for the namespace.",
        advice: "Correct the kind in the manifest, or place the symbol as its kind requires: \
                 callbacks by `callback!`, data in a section of [mapped].",
        check: symbols::check,
    },
    Rule {
        id: "namespace-pointer",
        severity: Severity::Error,
        formats: ANY,
        summary: "The pointer table of a namespace lists exactly its absolute addresses, which are \
                  converted to its address space at boot.",
        advice: "Link the object of `alt hyp-link` unchanged, KEEP its sections in the linker \
                 script, and do not modify the table afterwards.",
        check: pointers::check,
    },
];

fn manifests(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for problem in &context.namespaces.problems {
        reporter.report(0, problem.as_str());
    }
    let image = context.image;
    for namespace in &context.namespaces.list {
        let name = &namespace.name;
        if image.symbols().is_empty() {
            let text = format!(
                "the image has no symbols, so the permitted references of the namespace {name} are unknown"
            );
            reporter.report(0, text);
        }
        if namespace.region.places.is_empty() {
            let text = format!("the namespace {name} has no section: .{name}.* are missing");
            reporter.report(0, text);
        }
        for (kind, mapped) in namespace.mapped() {
            let there = Pattern::new(mapped).sections(image).next().is_some();
            if !there {
                let text = format!(
                    "the namespace {name} maps the section {mapped} for {kind}, and the image has \
                     no section of that name"
                );
                reporter.report(0, text);
            }
        }
    }
}
