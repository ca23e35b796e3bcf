//! The log's facts as tables.

use super::{Demo, heading};
use crate::style;
use anstream::println;
use qemu_tests::facts::Fact;

/// The emulated machine.
pub(crate) fn machine(demo: &Demo) {
    heading("machine");
    let midr = demo.facts.iter().find_map(|fact| match fact {
        Fact::Cpu { midr } => Some(format!("{midr:#010x}")),
        _ => None,
    });
    println!(
        "{}, MIDR {}, QEMU {}",
        demo.cpu,
        midr.as_deref().unwrap_or("not logged"),
        demo.qemu.version()
    );
    for fact in &demo.facts {
        if let Fact::IdReg { name, value } = fact {
            println!("{}", style::faint(format!("{name:<18} {value:#018x}")));
        }
    }
}

/// The detected cpucaps, and the evidence.
pub(crate) fn caps(demo: &Demo) {
    heading("cpucaps");
    let width = name_width(demo);
    let title = format!(
        "{:>3}  {:<width$}  {:<6}  {:<3}  evidence",
        "#", "name", "scope", ""
    );
    println!("{}", style::faint(title));
    for fact in &demo.facts {
        let Fact::Cap(cap) = fact else { continue };
        let verdict = match cap.present {
            true => style::good("yes"),
            false => style::faint("no "),
        };
        println!(
            "{:>3}  {:<width$}  {:<6}  {verdict}  {}",
            cap.number, cap.name, cap.scope, cap.evidence
        );
    }
}

/// The patched sites, by cpucap.
pub(crate) fn counts(demo: &Demo) {
    heading("sites by cpucap");
    let width = name_width(demo);
    let title = format!("{:<width$}  sites  patched", "name");
    println!("{}", style::faint(title));
    for fact in &demo.facts {
        if let Fact::Count {
            name,
            sites,
            patched,
        } = fact
        {
            println!("{name:<width$}  {sites:>5}  {patched:>7}");
        }
    }
}

/// The kernel's checks of itself.
pub(crate) fn checks(demo: &Demo) {
    for phase in ["before", "after"] {
        heading(&format!("checks {phase} the patching"));
        for fact in &demo.facts {
            let Fact::Check(check) = fact else { continue };
            if check.phase == phase {
                match check.failure {
                    None => println!("{}      {}", style::good("ok"), check.name),
                    Some(why) => println!("{}  {}  {why}", style::bad("FAILED"), check.name),
                }
            }
        }
    }
}

/// Write protection, the patcher's report and the other log lines.
pub(crate) fn remarks(demo: &Demo) {
    heading("write protection of the text");
    for fact in &demo.facts {
        match fact {
            Fact::Wxorx { ok: true, text } => println!("{}  {text}", style::good("ok")),
            Fact::Wxorx { ok: false, text } => println!("{}  {text}", style::bad("FAILED")),
            _ => {}
        }
    }
    heading("report");
    for fact in &demo.facts {
        match fact {
            Fact::Report(text) => println!("{text}"),
            Fact::PatchError(text) => println!("{}: {text}", style::bad("not patched")),
            _ => {}
        }
    }
    let words = demo.facts.iter().filter_map(|fact| match fact {
        Fact::Words(words) => Some(words),
        _ => None,
    });
    let words: Vec<_> = words.collect();
    if !words.is_empty() {
        heading("other log lines");
        for line in words {
            println!("{line}");
        }
    }
}

fn name_width(demo: &Demo) -> usize {
    let names = demo.facts.iter().filter_map(|fact| match fact {
        Fact::Cap(cap) => Some(cap.name.len()),
        _ => None,
    });
    names.max().unwrap_or_default().max("name".len())
}
