//! Symbols of the kernel: only those that the manifest allows, used as their kind allows.

use std::collections::HashSet;
use std::mem::offset_of;

use alt_diagnostic::{Diagnostic, Location};
use alt_object::display;
use alt_object::object::{Place, Relocation};
use alt_runtime::record::AlternativeRecord;

use super::relocations::{Use, used};
use super::{LintContext, instrumentation};
use crate::namespace::AllowKind;
use crate::partial_link::rules;
use crate::partial_link::script::{RECORDS, record_size};

pub(super) fn undefined(context: &LintContext<'_>, found: &mut Vec<Diagnostic>) {
    let own: Vec<String> = own_bounds(context);
    let (mut reported, mut told) = (HashSet::new(), HashSet::new());
    let mut kinds = Vec::new();
    for (section, offset, relocation) in by_distance(context) {
        let symbols = &context.object.symbols;
        let Some(symbol) = symbols.get(relocation.symbol) else {
            continue;
        };
        let elsewhere = symbol.place == Place::Undefined && symbol.is_name();
        if !elsewhere || own.iter().any(|bound| bound == symbol.name) {
            continue;
        }
        let instrumented = instrumentation::symbol(symbol.name);
        let allowed = context.manifest.allowed(symbol.name);
        if let (None, Some(allowed)) = (instrumented, allowed) {
            let user = context.graph.user(context.object, section, offset);
            if let Some(used) = misused(context, section, relocation, allowed.kind)
                && told.insert((relocation.symbol, used, user))
            {
                let place = used_at(context, section, offset);
                let (name, kind) = (symbol.name, allowed.kind);
                let message = format!("{name} is {kind}, but {used} at {place}");
                kinds.push(rules::SYMBOL_KIND.violation(place, message));
            }
            continue;
        }
        if !reported.insert(relocation.symbol) {
            continue;
        }
        let symbol_name = display::demangled(symbol.name);
        let place = used_at(context, section, offset);
        let finding = match instrumented {
            Some(what) => rules::INSTRUMENTATION.violation(place, format!("{what}: {symbol_name}")),
            None => rules::UNDECLARED_SYMBOL.violation(place, symbol_name),
        };
        let user = context.graph.user(context.object, section, offset);
        found.push(Diagnostic {
            path: context.graph.path(relocation.symbol, user),
            ..finding
        });
    }
    found.extend(kinds);
}

/// The place that uses a symbol: for a record, its site.
fn used_at(context: &LintContext<'_>, section: usize, offset: u64) -> Location {
    let used = context.graph.used_at(context.object, section, offset);
    let (section, offset) = used.unwrap_or((section, offset));
    context.place(section, offset)
}

/// All relocations; those of loaded sections are first, so that a finding names a place in code
/// rather than one in debug information.
fn by_distance<'a>(
    context: &'a LintContext<'_>,
) -> impl Iterator<Item = (usize, u64, &'a Relocation)> {
    let all = || context.object.sections.iter().enumerate();
    let loaded = all().filter(|(_, section)| section.is_loaded());
    let others = all().filter(|(_, section)| !section.is_loaded());
    loaded.chain(others).flat_map(|(index, section)| {
        let relocations = section.relocations.iter();
        relocations.map(move |relocation| (index, relocation.offset, relocation))
    })
}

/// The use of a symbol, if its kind does not allow that.
fn misused(
    context: &LintContext<'_>,
    section: usize,
    relocation: &Relocation,
    kind: AllowKind,
) -> Option<Use> {
    let section = context.object.sections.get(section)?;
    if !section.is_loaded() {
        return None;
    }
    // The second word of a record refers to its replacement or callback.
    let within = offset_of!(AlternativeRecord, replacement) as u64;
    let record = section.name == RECORDS
        && record_size(section.name).is_some_and(|size| relocation.offset % size == within);
    let used = match record {
        true => Use::Record,
        // The lint of relocations refuses those that are not a use.
        false => used(relocation.kind)?,
    };
    let allowed: &[Use] = match kind {
        AllowKind::Callback => &[Use::Record],
        AllowKind::DataRo | AllowKind::DataRw => &[Use::Address, Use::Access],
        AllowKind::EretTarget | AllowKind::Bound => &[Use::Address],
    };
    (!allowed.contains(&used)).then_some(used)
}

/// The bounds that the link adds, to which the hypervisor's code may refer.
fn own_bounds(context: &LintContext<'_>) -> Vec<String> {
    let outputs = context.layout.0.iter().map(|output| output.name.as_str());
    let names = outputs.chain([".pointers"]);
    names.flat_map(|name| context.name.bounds(name)).collect()
}
