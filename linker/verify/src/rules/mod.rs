//! The rules: each file has those about one subject.

mod atomics;
mod branches;
pub(crate) mod callbacks;
mod cpucaps;
pub(crate) mod data;
mod errata;
mod exclusives;
mod finished;
mod folded;
mod init;
mod landing_pads;
mod layout;
mod namespaces;
mod no_reference;
mod patcher;
mod patcher_code;
mod placement;
mod regions;
mod relocations;
mod replacements;
mod scopes;
mod sealed;
mod tables;
mod veneers;
mod words;

use crate::rule::Rule;

/// All rules, by context.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    let groups = [
        patcher::RULES,
        tables::RULES,
        layout::RULES,
        placement::RULES,
        relocations::RULES,
        finished::RULES,
        folded::RULES,
        patcher_code::RULES,
        atomics::RULES,
        callbacks::RULES,
        cpucaps::RULES,
        scopes::RULES,
        init::RULES,
        no_reference::RULES,
        regions::RULES,
        namespaces::RULES,
        sealed::RULES,
        replacements::RULES,
        data::RULES,
        branches::RULES,
        veneers::RULES,
        errata::RULES,
        landing_pads::RULES,
        exclusives::RULES,
        words::RULES,
    ];
    groups.into_iter().flatten()
}
