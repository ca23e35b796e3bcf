//! What a namespace may name of the kernel, and whether it is that.

use super::Namespace;
use crate::hyp::manifest::{Allowed, Kind};
use crate::image::Symbol;
use crate::records;
use crate::verify::callbacks;
use crate::verify::config::Pattern;
use crate::verify::{Reporter, Subject};

pub(super) fn check(subject: &Subject<'_>, reporter: &mut Reporter<'_>) {
    for namespace in &subject.namespaces.list {
        for allow in namespace.allow() {
            // What nothing names need not be there.
            let Some(symbol) = symbol(subject, &allow.kernel) else {
                continue;
            };
            if let Some(what) = wrong(subject, namespace, allow, symbol) {
                let (name, kernel) = (&namespace.name, &allow.kernel);
                let text = format!(
                    "the namespace {name} names {kernel} as {}: {what}",
                    allow.kind
                );
                reporter.report(symbol.range.start, text);
            }
        }
        callbacks_named(subject, namespace, reporter);
    }
    callbacks_inside(subject, reporter);
}

fn symbol<'a>(subject: &Subject<'a>, name: &str) -> Option<&'a Symbol> {
    let symbol = subject.image.symbols().get(name);
    symbol.filter(|symbol| !symbol.absolute)
}

/// What is not as the kind says, in words.
fn wrong(
    subject: &Subject<'_>,
    namespace: &Namespace,
    allow: &Allowed,
    symbol: &Symbol,
) -> Option<String> {
    let at = symbol.range.start;
    let mut all = subject.namespaces.list.iter();
    let other = match allow.kind {
        // At the end of the kernel's own, a namespace may begin.
        Kind::Bound => all.find(|other| other.name.is_on(&symbol.name)),
        _ => subject.namespaces.at(at),
    };
    if let Some(other) = other {
        return Some(format!(
            "it is in the namespace {}, not in the kernel",
            other.name
        ));
    }
    match allow.kind {
        Kind::Callback => (!callbacks::is_one(subject, at))
            .then(|| format!("it is {}, and no callback", home(subject, at))),
        Kind::EretTarget => {
            let text = at.is_multiple_of(4) && subject.image.word(at).is_some();
            (!text).then(|| format!("it is {}, which is no text", home(subject, at)))
        }
        Kind::DataRo => data(
            subject,
            symbol,
            "data-ro",
            &namespace.manifest.mapped.data_ro,
        ),
        Kind::DataRw => data(
            subject,
            symbol,
            "data-rw",
            &namespace.manifest.mapped.data_rw,
        ),
        Kind::Bound => None,
    }
}

fn data(subject: &Subject<'_>, symbol: &Symbol, kind: &str, mapped: &[String]) -> Option<String> {
    let at = symbol.range.start;
    let section = subject.image.section_at(at);
    if symbol.function || section.is_some_and(|section| section.executable) {
        return Some(format!("it is a function, {}", home(subject, at)));
    }
    let is = |section: &crate::image::Section| {
        let mut mapped = mapped.iter();
        mapped.any(|name| Pattern::new(name).matches(&section.name))
    };
    let end = symbol.range.end.max(at);
    match section {
        Some(section) if !is(section) => {
            let which = if section.writable {
                "writable"
            } else {
                "read-only"
            };
            Some(format!(
                "it is in unmapped {} ({which}); [mapped] {kind} names {}",
                section.name,
                list(mapped)
            ))
        }
        Some(section) if end > section.range.end => {
            Some(format!("it goes on behind the end of {}", section.name))
        }
        Some(section) if kind == "data-rw" && !section.writable => {
            Some(format!("it is in {}, which is read-only", section.name))
        }
        Some(_) => None,
        None => Some(format!("it is {}", home(subject, at))),
    }
}

fn list(names: &[String]) -> String {
    match names {
        [] => "no section".into(),
        _ => names.join(", "),
    }
}

fn home(subject: &Subject<'_>, address: u64) -> String {
    match subject.image.section_at(address) {
        Some(section) => format!("in {}", section.name),
        None => "in no section".into(),
    }
}

/// The callbacks of the sites in a namespace: those that its manifest names. Whether each is
/// registered is another rule's question.
fn callbacks_named(subject: &Subject<'_>, namespace: &Namespace, reporter: &mut Reporter<'_>) {
    let allowed = |address: u64| {
        let mut callbacks = namespace
            .allow()
            .filter(|allow| allow.kind == Kind::Callback);
        callbacks.any(|allow| {
            symbol(subject, &allow.kernel).is_some_and(|symbol| symbol.range.start == address)
        })
    };
    for record in subject.records.list() {
        let records::Kind::Callback { address, .. } = record.kind else {
            continue;
        };
        let inside = namespace.region.places.contains(record.site);
        let registered = subject.records.callbacks.range.contains(&address);
        if inside && registered && !allowed(address) {
            let text = format!(
                "the site {} of the namespace {} is computed by {}, which its manifest does not \
                 name as a callback",
                subject.place(record.site),
                namespace.name,
                subject.place(address),
            );
            reporter.report_cap(record.site, record.term.cap, text);
        }
    }
}

/// Callbacks run while the kernel patches itself, at its own exception level.
fn callbacks_inside(subject: &Subject<'_>, reporter: &mut Reporter<'_>) {
    for callback in callbacks::all(subject) {
        let function = callbacks::function(subject, callback);
        let inside =
            function.and_then(|function| Some((function, subject.namespaces.at(function)?)));
        if let Some((function, namespace)) = inside {
            let text = format!(
                "the function of the callback {} is {}, at an address of the namespace {} alone: \
                 the kernel cannot call it",
                subject.place(callback),
                subject.place(function),
                namespace.name,
            );
            reporter.report(callback, text);
        }
    }
}
