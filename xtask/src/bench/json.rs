//! The numbers as JSON.

use super::{measure::Measured, table::Caps};
use serde_json::{Value, json};

pub(crate) fn of(measured: &Measured) -> Value {
    let peers: Vec<_> = measured
        .peers
        .iter()
        .map(|line| json!({ "group": line.group, "name": line.name, "instructions": line.value }))
        .collect();
    let cases: Vec<_> = measured
        .cases
        .iter()
        .map(|case| {
            let each = measured.per_record(case).filter(|_| case.applied != 0);
            json!({
                "records": case.records,
                "caps": case.caps.name(),
                "applied": case.applied,
                "words": case.words,
                "first_plan": case.first_plan,
                "boot": case.boot(),
                "plan": case.plan,
                "commit": case.commit,
                "lines": case.lines,
                "dc": case.dc,
                "dc_in_vain": case.dc_in_vain,
                "ic": case.ic,
                "dsb": case.dsb,
                "bytes": case.bytes,
                "per_applied": each.map(|each| each.applied),
                "per_skipped": each.map(|each| each.skipped),
            })
        })
        .collect();
    let growth: Vec<_> = Caps::ALL
        .iter()
        .map(|&caps| {
            let fit = measured.growth(caps);
            json!({
                "caps": caps.name(),
                "per_record": fit.slope,
                "offset": fit.offset,
                "largest_residual": fit.residual,
            })
        })
        .collect();
    let bytes: Vec<_> = measured
        .bytes
        .rows
        .iter()
        .map(|row| {
            json!({
                "kind": row.kind.trim(),
                "sites": row.sites,
                "text": row.text,
                "table": row.table,
                "replacements": row.replacements,
                "resident": row.resident,
            })
        })
        .collect();
    json!({ "peers": peers, "pass": cases, "growth": growth, "bytes": bytes })
}
