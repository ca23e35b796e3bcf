//! Conversion of the cpucaps of a file to a table of the runtime.

use alt_cpucaps::{Cpucap, Cpucaps, Detect};
use alt_runtime::cap::{Cap, CapInfo, CapTable, IdRegs, Rule};

/// The table of these cpucaps. Undecided ones are impossible in it.
///
/// The parts of a table are `'static`, because the table of a kernel is a constant; here they are
/// leaked. A tool reads a few files, and needs them until it exits.
pub fn leak(
    model: &Cpucaps,
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
    Box::leak(Box::new(CapTable::new(&entries)))
}

fn entry(info: &Cpucap, cap: Cap, caps: &[Cap], custom: bool) -> CapInfo {
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
        scope: info.scope,
        kind: info.kind,
        rule: rule(&info.detect, custom),
        late: info.late,
        requires: others(&info.requires),
        conflicts: others(&info.conflicts),
    }
}

/// The rule of a condition whose functions all return `custom`.
fn rule(condition: &Detect, custom: bool) -> Rule {
    let list = |parts: &[Detect]| -> &'static [Rule] {
        let rules: Vec<Rule> = parts.iter().map(|part| rule(part, custom)).collect();
        rules.leak()
    };
    match condition {
        Detect::Always => Rule::Always,
        Detect::Field { field, min, max } => Rule::Field {
            field,
            min: *min,
            max: *max,
        },
        Detect::Midr(ranges) => Rule::Midr(ranges.clone().leak()),
        Detect::Any(rules) => Rule::Any(list(rules)),
        Detect::All(rules) => Rule::All(list(rules)),
        Detect::Not(inner) => Rule::Not(Box::leak(Box::new(rule(inner, custom)))),
        Detect::Custom(function) => Rule::Custom {
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
