//! The hypervisor's part of the demo: its report, and the checks of it.

use super::{Demo, heading};
use crate::style;
use anstream::println;
use qemu_tests::facts::{Fact, Hyp};

/// The services that must be called.
const SERVICES: [&str; 12] = [
    "identity",
    "caps",
    "address",
    "offset",
    "cache-type",
    "exchange",
    "element",
    "read",
    "clobber",
    "register",
    "unknown",
    "count",
];
/// Number of consecutive calls that must return.
const ROUND_TRIPS: u32 = 100_000;
/// Addresses at EL2 are physical addresses below this bit, and the tag above.
const TAG_BIT: u32 = 39;

/// The section of the report.
pub(crate) fn show(demo: &Demo) {
    heading("hypervisor");
    for hyp in said(&demo.facts) {
        match hyp {
            Hyp::None(why) => println!("none {why}"),
            Hyp::Variant {
                name,
                va,
                pa,
                tag,
                e2h,
            } => println!(
                "variant {name} (HCR_EL2.E2H {}) runs at {va:#x}, is in memory at {pa:#x}, tag {tag:#x}",
                u8::from(e2h)
            ),
            Hyp::Pointers(count) => println!("{count} pointers corrected"),
            Hyp::Sites { sites, patched } => println!("{sites} sites, {patched} patched"),
            Hyp::Freed { variant, bytes } => {
                println!("variant {variant} freed: {bytes} bytes");
            }
            Hyp::Service {
                name,
                failure: None,
            } => println!("{}      service {name}", style::good("ok")),
            Hyp::Service {
                name,
                failure: Some(why),
            } => println!("{}  service {name}  {why}", style::bad("FAILED")),
            Hyp::Register { name, value } => {
                println!("{}", style::faint(format!("{name:<18} {value:#018x}")));
            }
            Hyp::RoundTrips(count) => println!("{}      {count} round trips", style::good("ok")),
            Hyp::ShadowCallStack(frames) => println!(
                "{}      {frames} frames on a shadow call stack",
                style::good("ok")
            ),
            Hyp::Protected(text) => println!("{}      {text}", style::good("ok")),
        }
    }
}

/// The first problem that is found.
pub(crate) fn reason(facts: &[Fact], el2: bool) -> Option<String> {
    let failed = said(facts).find_map(|hyp| match hyp {
        Hyp::Service {
            name,
            failure: Some(why),
        } => Some(format!("service {name}: {why}")),
        _ => None,
    });
    if failed.is_some() {
        return failed;
    }
    let has = |wanted: fn(Hyp) -> bool| said(facts).any(wanted);
    if !el2 {
        let none = has(|hyp| matches!(hyp, Hyp::None(_)));
        return (!none).then(|| "the kernel does not report that it has no hypervisor".into());
    }
    let variant = said(facts).find_map(|hyp| match hyp {
        Hyp::Variant {
            name,
            va,
            pa,
            tag,
            e2h,
        } => Some((name, va == pa | tag << TAG_BIT && tag != 0, e2h)),
        _ => None,
    });
    let Some((name, is_tagged, e2h)) = variant else {
        return Some("the kernel does not report the address of its hypervisor".into());
    };
    if !is_tagged || e2h != (name == "vhe") {
        return Some(format!("variant {name} is not at its address"));
    }
    for service in SERVICES {
        let called = said(facts)
            .any(|hyp| matches!(hyp, Hyp::Service { name, failure: None } if name == service));
        if !called {
            return Some(format!("service {service} was not called"));
        }
    }
    [
        (
            "no pointer was corrected",
            has(|hyp| matches!(hyp, Hyp::Pointers(1..))),
        ),
        (
            "no site of the hypervisor was patched",
            has(|hyp| matches!(hyp, Hyp::Sites { patched: 1.., .. })),
        ),
        (
            "the round trips are missing",
            has(|hyp| matches!(hyp, Hyp::RoundTrips(ROUND_TRIPS..))),
        ),
        (
            "the shadow call stack is missing",
            has(|hyp| matches!(hyp, Hyp::ShadowCallStack(1..))),
        ),
        (
            "its text was not shown to be protected",
            said(facts)
                .filter(|hyp| matches!(hyp, Hyp::Protected(_)))
                .count()
                >= 3,
        ),
        (
            "the other variant was not freed",
            has(|hyp| matches!(hyp, Hyp::Freed { bytes: 1.., .. })),
        ),
    ]
    .into_iter()
    .find(|(_, there)| !there)
    .map(|(what, _)| what.into())
}

fn said<'a>(facts: &'a [Fact<'a>]) -> impl Iterator<Item = Hyp<'a>> {
    facts.iter().filter_map(|fact| match fact {
        Fact::Hyp(hyp) => Some(*hyp),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> Vec<String> {
        let mut log: Vec<_> = [
            "hyp variant=vhe va=0x3e0040243000 pa=0x40243000 tag=0x7c e2h=1",
            "hyp pointers=21 fixed",
            "hyp sites=15 patched=8",
            "hyp freed nvhe bytes=16384",
            "hyp round-trips=100000 ok x18-x30 kept",
            "hyp shadow-call-stack ok frames=6500",
            "hyp protected ok 1",
            "hyp protected ok 2",
            "hyp protected ok 3",
        ]
        .map(String::from)
        .into();
        log.extend(SERVICES.map(|service| format!("hyp service {service} ok")));
        log
    }

    fn judge(log: &[String], el2: bool) -> Option<String> {
        let facts: Vec<_> = log.iter().map(|line| Fact::parse(line)).collect();
        reason(&facts, el2)
    }

    #[test]
    fn log_without_fault_is_accepted() {
        assert_eq!(judge(&log(), true), None);
        assert_eq!(judge(&["hyp none (entered at EL1)".into()], false), None);
    }

    #[test]
    fn missing_lines_are_missed() {
        for index in 0..log().len() {
            let mut log = log();
            let line = log.remove(index);
            assert!(judge(&log, true).is_some(), "{line}");
        }
        assert!(judge(&[], false).is_some());
    }

    #[test]
    fn contradictions_are_noticed() {
        for (from, to) in [
            ("tag=0x7c", "tag=0x7d"),
            ("variant=vhe", "variant=nvhe"),
            ("round-trips=100000", "round-trips=99999"),
            ("patched=8", "patched=0"),
            ("service caps ok", "service caps FAILED 1, not 2"),
        ] {
            let mut log = log();
            let line = log.iter_mut().find(|line| line.contains(from)).unwrap();
            *line = line.replace(from, to);
            assert!(judge(&log, true).is_some(), "{to}");
        }
    }
}
