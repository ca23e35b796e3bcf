//! Records that the patcher would refuse at boot, by its own check; each kind of reason has a rule.

mod record;
mod replacement;
mod site;

use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    site::MISALIGNED_SITE,
    site::SITE_OUTSIDE_TEXT,
    record::UNKNOWN_CAP,
    site::BAD_LENGTH,
    replacement::REPLACEMENT_TOO_LONG,
    site::LENGTHS_DIFFER,
    record::DANGLING_AND,
    replacement::REPLACEMENT_OUTSIDE,
    site::UNEXPECTED_WORD,
    site::BREAKPOINT,
    site::BRANCH_OUTSIDE_TEXT,
    replacement::REFERS_TO_REPLACEMENTS,
    replacement::OUT_OF_REACH,
    replacement::CANNOT_MOVE,
    record::UNREGISTERED_CALLBACK,
    record::CALLBACK_LENGTH,
];

#[cfg(test)]
mod tests {
    use alt_image::image::Image;
    use alt_image::names::CapNames;
    use alt_image::records::Records;

    use crate::context::Context;
    use crate::refusals::{Refusal, RefusalKind, Refusals};

    use super::*;

    const KINDS: [RefusalKind; 19] = [
        RefusalKind::MisalignedSite,
        RefusalKind::SiteOutsideText,
        RefusalKind::UnknownCap,
        RefusalKind::BadLength,
        RefusalKind::ReplacementTooLong,
        RefusalKind::LengthsDiffer,
        RefusalKind::DanglingAnd,
        RefusalKind::ReplacementOutside,
        RefusalKind::UnexpectedWord,
        RefusalKind::Breakpoint,
        RefusalKind::BranchOutsideText,
        RefusalKind::RefersToReplacements,
        RefusalKind::OutOfReach,
        RefusalKind::Relaxed,
        RefusalKind::CannotMove,
        RefusalKind::UnregisteredCallback,
        RefusalKind::CallbackLength,
        RefusalKind::Order,
        RefusalKind::Other,
    ];

    /// The rule that must report a kind. A kind that is missing here does not compile.
    fn rule(kind: RefusalKind) -> Option<&'static str> {
        Some(match kind {
            RefusalKind::MisalignedSite => "misaligned-site",
            RefusalKind::SiteOutsideText => "site-outside-text",
            RefusalKind::UnknownCap => "unknown-cap",
            RefusalKind::BadLength => "bad-length",
            RefusalKind::ReplacementTooLong => "replacement-too-long",
            RefusalKind::LengthsDiffer => "lengths-differ",
            RefusalKind::DanglingAnd => "dangling-and",
            RefusalKind::ReplacementOutside => "replacement-outside",
            RefusalKind::UnexpectedWord => "unexpected-word",
            RefusalKind::Breakpoint => "breakpoint",
            RefusalKind::BranchOutsideText => "branch-outside-text",
            RefusalKind::RefersToReplacements => "refers-to-replacements",
            RefusalKind::OutOfReach | RefusalKind::Relaxed => "out-of-reach",
            RefusalKind::CannotMove | RefusalKind::Other => "cannot-move",
            RefusalKind::UnregisteredCallback => "unregistered-callback",
            RefusalKind::CallbackLength => "callback-length",
            // The rules about tables find it themselves.
            RefusalKind::Order => return None,
        })
    }

    #[test]
    fn each_kind_is_reported_by_its_rule_alone() {
        assert_eq!(KINDS.len(), RefusalKind::Other as usize + 1);
        let good = include_bytes!("../../../../fuzz/corpus/image/good");
        let image = Image::parse(good.to_vec()).unwrap();
        let records = Records::find(&image, None).unwrap();
        let names = CapNames::default();
        let mut context = Context::new(&image, &records, &names).unwrap();
        assert_eq!(crate::by_rules(&context, RULES), []);
        for kind in KINDS {
            let refusal = Refusal {
                site: 0x1234,
                cap: None,
                reason: "why".into(),
            };
            context.refusals = Refusals::one(kind, refusal);
            let findings = crate::by_rules(&context, RULES);
            let found: Vec<_> = findings
                .iter()
                .map(|f| (f.rule, f.message.as_str()))
                .collect();
            let expected = rule(kind).map(|rule| (rule, "why"));
            assert_eq!(found, Vec::from_iter(expected), "{kind:?}");
        }
    }
}
