//! The numbers for a terminal.

use super::{
    guest::{CPU, Line},
    measure::{Case, Measured, SIZES},
    shape::RECORDS,
    table::Caps,
};
use crate::style;
use anstream::println;
use std::collections::BTreeMap;

/// Target for a pass in instructions per record: plan, commit and verification together.
const APPLIED_TARGET: f64 = 50.0;
const SKIPPED_TARGET: f64 = 16.0;
/// Instructions per record of a first pass, which checks every arm as well.
const BOOT_TARGET: f64 = 90.0;
/// Bytes of a branch record.
const BRANCH_RECORD_TARGET: f64 = 8.0;
/// Instructions of an addition to a counter whose call is a site, by the kind of the CPU.
const CALL_TARGETS: [(&str, f64); 2] = [("LSE", 4.0), ("no LSE", 10.0)];
/// Instructions of a boot with 73 cpucaps and one site.
const BOOT_PATH_TARGET: f64 = 8_000.0;

pub(crate) fn print(measured: &Measured) {
    peers(
        measured,
        "check",
        "A check, instructions beyond what it decides on",
        ["no", "yes"],
    );
    peers(
        measured,
        "operation",
        "An operation, instructions by the CPU and what it is patched for",
        ["no LSE", "LSE"],
    );
    peers(
        measured,
        "boot",
        "A boot with one site, instructions by the number of cpucaps",
        ["73", "113"],
    );
    peers(
        measured,
        "callback",
        "A site of five words with a callback, instructions",
        ["all", ""],
    );
    pass(measured);
    growth(measured);
    targets(measured);
    bytes(measured);
}

/// Lines of the guest of the form `GROUP NAME | COLUMN`.
fn peers(measured: &Measured, group: &str, title: &str, columns: [&str; 2]) {
    let mut rows: Vec<&str> = Vec::new();
    let mut numbers = BTreeMap::new();
    for line in measured.peers.iter().filter(|line| line.group == group) {
        let Some((name, column)) = line.name.split_once(" | ") else {
            continue;
        };
        if !rows.contains(&name) {
            rows.push(name);
        }
        numbers.insert((name, column), line.value.to_string());
    }
    rows.sort_by_key(|row| row.split_once(": ").map(|(operation, _)| operation));
    println!("{}", style::heading(title));
    println!("{:<34}{:>12}{:>12}", "", columns[0], columns[1]);
    for row in rows {
        let cell = |column| numbers.get(&(row, column)).map_or("-", String::as_str);
        println!("{row:<34}{:>12}{:>12}", cell(columns[0]), cell(columns[1]));
    }
    println!();
}

fn pass(measured: &Measured) {
    println!(
        "{}",
        style::heading(format!("A pass on {CPU}, release profile, instructions"))
    );
    println!(
        "records  cpucaps  applied   words      plan    commit  per applied  per skipped     DC \
         lines  DC/line  IC DSB  first plan    boot"
    );
    for case in &measured.cases {
        let each = measured.per_record(case);
        let applied = match case.applied {
            0 => "-".to_owned(),
            _ => each.map_or_else(String::new, |each| format!("{:.1}", each.applied)),
        };
        let skipped = each.map_or_else(String::new, |each| format!("{:.1}", each.skipped));
        let per_line = match case.lines {
            0 => "-".to_owned(),
            lines => format!("{:.3}", case.dc as f64 / lines as f64),
        };
        let Case {
            records,
            words,
            first_plan,
            plan,
            commit,
            lines,
            dc,
            ic,
            dsb,
            ..
        } = case;
        println!(
            "{records:>7}  {:<7}{:>9}{words:>8}{plan:>10}{commit:>10}{applied:>13}{skipped:>13}\
             {dc:>7}{lines:>6}{per_line:>9}{ic:>4}{dsb:>4}{first_plan:>12}{:>8.1}",
            case.caps.name(),
            case.applied,
            case.boot(),
        );
    }
    println!(
        "{}",
        style::faint(
            "commit includes verification; the first plan of a boot checks every arm as well; \
             boot is that plan and the commit, per record; DC, IC and DSB as QEMU executed them"
        )
    );
    println!();
}

fn growth(measured: &Measured) {
    println!("{}", style::heading("Growth from 10 to 25,000 records"));
    for caps in Caps::ALL {
        let fit = measured.growth(caps);
        println!(
            "{:<7}{:>7.2} per record {:+.0}, largest residual {:.1} %",
            caps.name(),
            fit.slope,
            fit.offset,
            100.0 * fit.residual
        );
    }
    println!();
}

fn targets(measured: &Measured) {
    let Some(case) = measured.case(RECORDS, Caps::Most) else {
        return;
    };
    let (Some(each), Some(largest)) = (measured.per_record(case), SIZES.last()) else {
        return;
    };
    println!("{}", style::heading(format!("Targets, {largest} records")));
    println!("{:<44}{:>8}{:>9}{:>14}", "", "ours", "target", "Linux 6.12");
    let line = |what: &str, ours: f64, target: f64, linux: &str| {
        let ours_text = format!("{ours:>8.1}");
        let (ours_text, verdict) = match ours <= target {
            true => (style::good(ours_text), ""),
            false => (style::bad(ours_text), "  not at target"),
        };
        println!("{what:<44}{ours_text}{target:>9.1}{linux:>14}{verdict}");
    };
    let boot = |line: &&Line| line.group == "boot" && line.name == "all | 73";
    if let Some(boot) = measured.peers.iter().find(boot) {
        line(
            "instructions of a boot, 73 cpucaps, one site",
            boot.value as f64,
            BOOT_PATH_TARGET,
            "",
        );
    }
    for (cpu, target) in CALL_TARGETS {
        let name = format!("counter: call is a site | {cpu}");
        let is = |line: &&Line| line.group == "operation" && line.name == name;
        if let Some(call) = measured.peers.iter().find(is) {
            let what = format!("instructions of a fetch_add, CPU: {cpu}");
            line(&what, call.value as f64, target, "");
        }
    }
    line(
        "instructions per applied record",
        each.applied,
        APPLIED_TARGET,
        "115",
    );
    line(
        "instructions per skipped record",
        each.skipped,
        SKIPPED_TARGET,
        "16 to 19",
    );
    line(
        "instructions per record of a first pass",
        case.boot(),
        BOOT_TARGET,
        "",
    );
    line("DC per line that changed", each.dc_per_line, 1.0, "1.12");
    line(
        "bytes of a branch record",
        measured.bytes.branch_record as f64,
        BRANCH_RECORD_TARGET,
        "12 + 4",
    );
    println!(
        "{}",
        style::faint(
            "Linux: a distribution's kernel with 24,858 records on an emulated cortex-a76, \
             counted by a TCG plugin"
        )
    );
    println!();
}

fn bytes(measured: &Measured) {
    println!(
        "{}",
        style::heading("Bytes per site, sites of kernel-demo (static-keys: of the guest)")
    );
    println!("                                in text   freed after boot      stays");
    println!("kind                   sites       text     table  replacements   resident");
    for row in &measured.bytes.rows {
        let each = |bytes: u64| bytes as f64 / row.sites.max(1) as f64;
        println!(
            "{:<22}{:>6}{:>11.1}{:>10.1}{:>14.1}{:>11.1}",
            row.kind,
            row.sites,
            each(row.text),
            each(row.table),
            each(row.replacements),
            each(row.resident),
        );
    }
    println!();
}

/// The last line.
pub(crate) fn summary(measured: &Measured) -> Result<String, &'static str> {
    let case = measured.case(RECORDS, Caps::Most);
    let each = case.and_then(|case| measured.per_record(case));
    let each = each.ok_or("the largest table was not measured")?;
    Ok(format!(
        "bench: applied={:.1} skipped={:.1} dc_per_line={:.3} branch_record={} boot={:.1}",
        each.applied,
        each.skipped,
        each.dc_per_line,
        measured.bytes.branch_record,
        case.map_or(0.0, Case::boot)
    ))
}
