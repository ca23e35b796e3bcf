//! From the model of the file to the runtime's table.

use alt_cpucaps as model;
use alt_runtime::cap::{
    Cap, CapInfo, CapTable, IdRegs, Kind, LatePolicy, MidrRange, RevidrFix, Revision, Rule, Scope,
};

/// The table of these caps. One that is undecided is impossible in it.
///
/// A table is made of `'static` parts since a kernel's is a constant; here the parts are leaked.
/// A tool reads one file, or a few, and needs them until it ends.
pub fn leak(
    model: &model::Table,
    possible: &[Option<bool>],
    custom: &[Option<bool>],
) -> &'static CapTable {
    let caps: Vec<Cap> = (0..)
        .zip(&model.caps)
        .zip(possible.iter().zip(custom))
        .map(|((number, cap), (possible, custom))| {
            let decided = custom.is_some() || super::undecided::functions(cap).is_empty();
            Cap::new(number, *possible == Some(true) && decided)
        })
        .collect();
    let entries: Vec<CapInfo> = model
        .caps
        .iter()
        .zip(&caps)
        .zip(custom)
        .map(|((info, cap), custom)| entry(info, *cap, &caps, custom.unwrap_or(false)))
        .collect();
    Box::leak(Box::new(CapTable::new(entries.leak())))
}

fn entry(info: &model::Cap, cap: Cap, caps: &[Cap], custom: bool) -> CapInfo {
    let scope = scope(info.scope);
    let kind = kind(info.kind);
    let others = |numbers: &[usize]| -> &'static [Cap] {
        let others: Vec<Cap> = numbers
            .iter()
            .filter_map(|&number| caps.get(number).copied())
            .collect();
        others.leak()
    };
    CapInfo {
        cap,
        name: info.name.clone().leak(),
        doc: info.doc.clone().leak(),
        scope,
        kind,
        rule: rule(&info.rule, custom),
        late: info.late.map_or(LatePolicy::default_for(scope, kind), late),
        requires: others(&info.requires),
        conflicts: others(&info.conflicts),
    }
}

/// The rule, whose functions all return `custom`.
fn rule(model: &model::Rule, custom: bool) -> Rule {
    let list = |rules: &[model::Rule]| -> &'static [Rule] {
        let rules: Vec<Rule> = rules.iter().map(|model| rule(model, custom)).collect();
        rules.leak()
    };
    match model {
        model::Rule::Always => Rule::Always,
        model::Rule::Field { field, min, max } => Rule::Field {
            field,
            min: *min,
            max: *max,
        },
        model::Rule::Midr(ranges) => {
            let ranges: Vec<MidrRange> = ranges.iter().map(range).collect();
            Rule::Midr(ranges.leak())
        }
        model::Rule::Any(rules) => Rule::Any(list(rules)),
        model::Rule::All(rules) => Rule::All(list(rules)),
        model::Rule::Not(inner) => Rule::Not(Box::leak(Box::new(rule(inner, custom)))),
        model::Rule::Custom(function) => Rule::Custom {
            name: function.clone().leak(),
            test: if custom { yes } else { no },
        },
    }
}

fn yes(_: &IdRegs) -> bool {
    true
}

fn no(_: &IdRegs) -> bool {
    false
}

fn range(range: &model::MidrRange) -> MidrRange {
    MidrRange {
        implementer: range.implementer,
        part: range.part,
        from: revision(range.from),
        to: revision(range.to),
        fixed: range.fixed.as_ref().map(|fixed| RevidrFix {
            revision: revision(fixed.revision),
            bit: fixed.bit,
        }),
    }
}

fn revision(revision: model::Revision) -> Revision {
    Revision::new(revision.variant, revision.revision)
}

fn scope(scope: model::Scope) -> Scope {
    match scope {
        model::Scope::Boot => Scope::Boot,
        model::Scope::System => Scope::System,
        model::Scope::Local => Scope::Local,
    }
}

fn kind(kind: model::Kind) -> Kind {
    match kind {
        model::Kind::Feature => Kind::Feature,
        model::Kind::Erratum => Kind::Erratum,
    }
}

fn late(late: model::Late) -> LatePolicy {
    match late {
        model::Late::LocalErratum => LatePolicy::LocalErratum,
        model::Late::SystemFeature => LatePolicy::SystemFeature,
        model::Late::WeakLocalFeature => LatePolicy::WeakLocalFeature,
        model::Late::EarlyLocalFeature => LatePolicy::EarlyLocalFeature,
        model::Late::BootRestrictedLocalFeature => LatePolicy::BootRestrictedLocalFeature,
        model::Late::StrictBootFeature => LatePolicy::StrictBootFeature,
        model::Late::BootFeature => LatePolicy::BootFeature,
    }
}
