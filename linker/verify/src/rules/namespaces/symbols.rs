//! The kernel symbols that a namespace may use have the kinds that the manifest states.

use alt_image::image::Symbol;
use alt_image::records;
use alt_linker::namespace::{AllowKind, Allowed};

use crate::config::Pattern;
use crate::context::Context;
use crate::namespaces::Namespace;
use crate::rule::Reporter;
use crate::rules::callbacks;

pub(super) fn check(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for namespace in &context.namespaces.list {
        for allow in namespace.allow() {
            // A symbol to which nothing refers need not exist.
            let Some(symbol) = symbol(context, &allow.kernel) else {
                continue;
            };
            if let Some(what) = wrong(context, namespace, allow, symbol) {
                let (name, kernel) = (&namespace.name, &allow.kernel);
                let text = format!(
                    "the namespace {name} names {kernel} as {}: {what}",
                    allow.kind
                );
                reporter.report(symbol.range.start, text);
            }
        }
        callbacks_named(context, namespace, reporter);
    }
    callbacks_inside(context, reporter);
}

fn symbol<'a>(context: &Context<'a>, name: &str) -> Option<&'a Symbol> {
    let symbol = context.image.symbols().get(name);
    symbol.filter(|symbol| !symbol.absolute)
}

/// How a symbol differs from its kind.
fn wrong(
    context: &Context<'_>,
    namespace: &Namespace,
    allow: &Allowed,
    symbol: &Symbol,
) -> Option<String> {
    let at = symbol.range.start;
    let mut all = context.namespaces.list.iter();
    let other = match allow.kind {
        // A bound of the kernel may have the address at which a namespace begins.
        AllowKind::Bound => all.find(|other| other.name.is_on(&symbol.name)),
        _ => context.namespaces.at(at),
    };
    if let Some(other) = other {
        return Some(format!(
            "it is in the namespace {}, not in the kernel",
            other.name
        ));
    }
    match allow.kind {
        AllowKind::Callback => (!callbacks::is_one(context, at))
            .then(|| format!("it is {}, and not a callback", home(context, at))),
        AllowKind::EretTarget => {
            let text = at.is_multiple_of(4) && context.image.word(at).is_some();
            (!text).then(|| format!("it is {}, which is not text", home(context, at)))
        }
        AllowKind::DataRo => data(
            context,
            symbol,
            "data-ro",
            &namespace.manifest.mapped.data_ro,
        ),
        AllowKind::DataRw => data(
            context,
            symbol,
            "data-rw",
            &namespace.manifest.mapped.data_rw,
        ),
        AllowKind::Bound => None,
    }
}

fn data(context: &Context<'_>, symbol: &Symbol, kind: &str, mapped: &[String]) -> Option<String> {
    let at = symbol.range.start;
    let section = context.image.section_at(at);
    if symbol.function || section.is_some_and(|section| section.executable) {
        return Some(format!("it is a function, {}", home(context, at)));
    }
    let is = |section: &alt_image::image::Section| {
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
            Some(format!("it extends beyond the end of {}", section.name))
        }
        Some(section) if kind == "data-rw" && !section.writable => {
            Some(format!("it is in {}, which is read-only", section.name))
        }
        Some(_) => None,
        None => Some(format!("it is {}", home(context, at))),
    }
}

fn list(names: &[String]) -> String {
    match names {
        [] => "no section".into(),
        _ => names.join(", "),
    }
}

fn home(context: &Context<'_>, address: u64) -> String {
    match context.image.section_at(address) {
        Some(section) => format!("in {}", section.name),
        None => "in no section".into(),
    }
}

/// Checks that the manifest names the callbacks of the sites in a namespace. `unregistered-callback` checks
/// that each is registered.
fn callbacks_named(context: &Context<'_>, namespace: &Namespace, reporter: &mut Reporter<'_>) {
    let allowed = |address: u64| {
        let mut callbacks = namespace
            .allow()
            .filter(|allow| allow.kind == AllowKind::Callback);
        callbacks.any(|allow| {
            symbol(context, &allow.kernel).is_some_and(|symbol| symbol.range.start == address)
        })
    };
    for record in context.records.list() {
        let records::Kind::Callback { address, .. } = record.kind else {
            continue;
        };
        let inside = namespace.region.places.contains(record.site);
        let registered = context.records.callbacks.range.contains(&address);
        if inside && registered && !allowed(address) {
            let text = format!(
                "the site {} of the namespace {} is computed by {}, which its manifest does not \
                 name as a callback",
                context.place(record.site),
                namespace.name,
                context.place(address),
            );
            reporter.report_cap(record.site, record.term.cap, text);
        }
    }
}

/// Checks that no function of a callback is in a namespace: callbacks run at the kernel's exception level.
fn callbacks_inside(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for callback in callbacks::all(context) {
        let function = callbacks::function(context, callback);
        let inside =
            function.and_then(|function| Some((function, context.namespaces.at(function)?)));
        if let Some((function, namespace)) = inside {
            let text = format!(
                "the function of the callback {} is {}, in the namespace {}: the kernel cannot call \
                 it",
                context.place(callback),
                context.place(function),
                namespace.name,
            );
            reporter.report(callback, text);
        }
    }
}
