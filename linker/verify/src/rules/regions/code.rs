//! The instructions of a region.

use std::collections::HashSet;

use alt_image::disasm;
use alt_image::records::Kind;
use alt_object::encodings::is_branch_to_register;

use super::Walk;
use crate::config::Region;
use crate::context::Context;
use crate::rule::Reporter;

pub(super) fn registers(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for region in context.regions() {
        let forbidden = &region.forbid_registers;
        if forbidden.is_empty() {
            continue;
        }
        each_instruction(context, region, reporter, |word, at, _| {
            let mut possible = forbidden.iter().filter(|r| r.may_be_in(word)).peekable();
            possible.peek()?;
            let text = disasm::instruction(word, at);
            let register = possible.find(|register| register.is_in(&text))?;
            Some((format!("uses {register}"), text))
        });
    }
}

pub(super) fn instructions(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for region in context.regions() {
        let forbidden = &region.forbid_instructions;
        let needs_text = forbidden.iter().any(|pattern| pattern.needs_text());
        if forbidden.is_empty() {
            continue;
        }
        each_instruction(context, region, reporter, |word, at, _| {
            let text = match needs_text {
                true => disasm::instruction(word, at),
                false => String::new(),
            };
            let pattern = forbidden
                .iter()
                .find(|pattern| pattern.holds(word, &text))?;
            Some((format!("has `{pattern}`"), disasm::instruction(word, at)))
        });
    }
}

pub(super) fn indirect(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for region in context.regions() {
        let Some(allowed) = &region.may_call_indirectly else {
            continue;
        };
        each_instruction(context, region, reporter, |word, at, place| {
            let wrong = is_branch_to_register(word) && !allowed.contains(place);
            let what = || "branches to an address in a register".into();
            wrong.then(|| (what(), disasm::instruction(word, at)))
        });
    }
}

pub(super) fn sites(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for region in context.regions().filter(|region| region.forbid_sites) {
        let mut walk = None;
        for site in context.records.sites() {
            let at = site.address();
            let node = context.graph().node_at(at);
            let Some(node) = node.filter(|_| region.places.contains(at)) else {
                continue;
            };
            let walk = walk.get_or_insert_with(|| Walk::new(context, region));
            let text = format!(
                "the region {} has a site at {}",
                region.name,
                context.place(at)
            );
            let path = walk.path(context, node);
            reporter.report_cap_path(at, site.first().term.cap, text, path);
        }
    }
}

/// Checks each instruction of a region, including those that its sites can become. Reports the first one in
/// each function for each description that `wrong` returns. The arguments of `wrong` are the word, its
/// address in the image, and the address at which it is executed.
fn each_instruction(
    context: &Context<'_>,
    region: &Region,
    reporter: &mut Reporter<'_>,
    wrong: impl Fn(u32, u64, u64) -> Option<(String, String)>,
) {
    let mut walk = None;
    let mut reported = HashSet::new();
    let mut ask = |word: u32, at: u64, site: Option<u64>| {
        let place = site.unwrap_or(at);
        let (Some((what, text)), Some(node)) =
            (wrong(word, at, place), context.graph().node_at(place))
        else {
            return;
        };
        if !reported.insert((node, what.clone())) {
            return;
        }
        let walk = walk.get_or_insert_with(|| Walk::new(context, region));
        let place = match site {
            None => format!("`{text}` at {}", context.place(at)),
            Some(site) => format!(
                "`{text}`, which the site {} can become",
                context.place(site)
            ),
        };
        let explanation = format!("the region {} {what}: {place}", region.name);
        reporter.report_path(site.unwrap_or(at), explanation, walk.path(context, node));
    };
    for (at, word) in context.instructions_in(&region.places) {
        ask(word, at, None);
    }
    for record in context.records.list() {
        let Kind::Code { address, len } = record.kind else {
            continue;
        };
        if !region.places.contains(record.site) {
            continue;
        }
        for at in (address..address.saturating_add(len.into())).step_by(4) {
            if let Some(word) = context.image.u32_at(at) {
                ask(word, at, Some(record.site));
            }
        }
    }
}
