//! Changes since the image was sealed.

use std::collections::BTreeMap;

use alt_diagnostic::Severity;

use crate::context::Context;
use crate::rule::{ANY, Reporter, Rule};
use crate::seal::SealedSite;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "sealed-site",
        severity: Severity::Error,
        formats: ANY,
        summary: "A site, its records and its replacements are as in the sealed image.",
        advice: "Find out what changed the image after the link; if that was intended, seal it again.",
        check: sites,
    },
    Rule {
        id: "sealed-section",
        severity: Severity::Error,
        formats: ANY,
        summary: "All loaded bytes except sites are as in the sealed image.",
        advice: "Find out what changed the image after the link; if that was intended, seal it again.",
        check: sections,
    },
];

fn sites(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let Some(sealed) = context.seal else {
        return;
    };
    let by_address = |sites: &[SealedSite]| -> BTreeMap<u64, String> {
        let sites = sites.iter();
        sites.map(|s| (s.address, s.sha256.clone())).collect()
    };
    let (sealed, now) = (by_address(&sealed.sites), by_address(context.sites_now()));
    for (address, digest) in &sealed {
        match now.get(address) {
            Some(other) if other == digest => {}
            Some(_) => reporter.report(*address, "the site differs from the sealed image"),
            None => reporter.report(*address, "there was a site here when the image was sealed"),
        }
    }
    for address in now.keys().filter(|address| !sealed.contains_key(address)) {
        reporter.report(*address, "there was no site here when the image was sealed");
    }
}

fn sections(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let Some(sealed) = context.seal else {
        return;
    };
    let of = |sites: &[SealedSite]| -> Vec<u64> { sites.iter().map(|s| s.address).collect() };
    if of(&sealed.sites) != of(context.sites_now()) {
        // Other sites cover other bytes; they have been reported.
        return;
    }
    let now = context.sections_now();
    for section in &sealed.sections {
        if !now.contains(section) {
            let name = &section.name;
            reporter.report(
                section.address,
                format!("section {name} differs from the sealed image, outside of the sites"),
            );
        }
    }
    let known = |name: &String| sealed.sections.iter().any(|section| section.name == *name);
    for section in now.iter().filter(|section| !known(&section.name)) {
        let name = &section.name;
        reporter.report(
            section.address,
            format!("there was no section {name} when the image was sealed"),
        );
    }
}
