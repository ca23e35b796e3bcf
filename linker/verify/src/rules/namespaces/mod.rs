//! Namespaces: code for another exception level, such as a hypervisor's, that is linked into the
//! image. It brings along what it may do: a manifest, in a section that nothing loads.

mod pointers;
mod symbols;

use crate::config::Pattern;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{ANY, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "namespace-manifest",
        severity: Severity::Error,
        formats: ANY,
        summary: "The manifest of each namespace can be read, and what it names is in the image.",
        advice: "Link the object of `alt hyp-link` as it is, keep its sections and \
                 `.alt_namespaces`, and verify the image before it is stripped.",
        check: manifests,
    },
    Rule {
        id: "namespace-symbol",
        severity: Severity::Error,
        formats: ANY,
        summary: "What a namespace may name of the kernel is what the manifest says it is, and \
                  where the namespace can reach it.",
        advice: "Correct the kind in the manifest, or put the symbol where its kind says: \
                 callbacks by `callback!`, data into a section of [mapped].",
        check: symbols::check,
    },
    Rule {
        id: "namespace-pointer",
        severity: Severity::Error,
        formats: ANY,
        summary: "The pointer table of a namespace names each absolute address in it, and nothing \
                  else: they are set to its own addresses at boot.",
        advice: "Link the object of `alt hyp-link` as it is, KEEP its sections in the linker \
                 script, and let no tool change the table.",
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
                "the image has no symbols, so what the namespace {name} may refer to cannot be told"
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
                     none of that name"
                );
                reporter.report(0, text);
            }
        }
    }
}
