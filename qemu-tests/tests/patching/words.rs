//! One kernel on one machine: the run, and its memory against what must be there.

use std::collections::{BTreeMap, BTreeSet};

use qemu_tests::facts::{self, Fact};
use qemu_tests::results::{Cap, Entry};
use qemu_tests::sites::{self, Site};
use qemu_tests::{Freed, Image, Launch, Machine, Run, Status, compare as memory};

use crate::computed::Known;
use crate::machines::{Registers, TestMachine};
use crate::{Result, applied, caps, expect, qemu};

/// Where a CPU says whether it has an EL2; QEMU lets it say what the machine has.
const EL2_FIELD: (&str, u64) = ("ID_AA64PFR0_EL1", 0xf << 8);

/// Runs the kernel, which must end with success.
pub fn run(image: &Image, machine: Machine) -> Result<Run> {
    let run = Launch::new(image, machine).run(qemu()?)?;
    if run.outcome.status != Status::Ok {
        let log: Vec<_> = run.log.iter().map(|line| line.message.as_str()).collect();
        return Err(format!("{:?}:\n{}", run.outcome, log.join("\n")).into());
    }
    Ok(run)
}

/// Sites patched, and all; `found` has the cpucaps as soon as the kernel has logged them.
pub fn judge(
    image: &Image,
    machine: &TestMachine,
    run: &Run,
    found: &mut Vec<Cap>,
) -> Result<(u32, u32)> {
    let facts: Vec<_> = facts::read(&run.log).collect();

    let said = registers(&facts);
    if let Some(measured) = &machine.registers {
        same_registers(&said, measured, machine.entry)?;
    }

    let said_caps: Vec<_> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Cap(cap) => Some(*cap),
            _ => None,
        })
        .collect();
    found.extend(said_caps.iter().map(|cap| Cap {
        name: cap.name.into(),
        detected: cap.present,
        sites: 0,
        patched: 0,
        verified: false,
    }));
    let present = caps::present(machine.registers.as_ref().unwrap_or(&said))?;
    caps::agree(&said_caps, &present)?;
    let names = caps::names();
    let numbers: BTreeSet<u16> = (0..names.len() as u16)
        .filter(|n| present.contains(names[usize::from(*n)]))
        .collect();

    let records = sites::read(image)?;
    let all = sites::sites(&records);
    let gone = Freed::read(image, &facts);
    if let Some(address) = gone.left(&run.after)? {
        return Err(format!("{address:#x} was freed and has not changed").into());
    }
    let mut outside = memory::outside_sites(image, &run.before, &run.after, &records)?;
    outside.retain(|change| !gone.holds(change.address));
    if !outside.is_empty() {
        return Err(format!("changed outside of the sites: {outside:x?}").into());
    }
    let mut wrong = memory::wrong_sites(&all, &numbers, &run.before, &run.after)?;
    wrong.retain(|site| !gone.holds(site.address));
    let mut changed = BTreeSet::new();
    let mut faults = BTreeMap::new();
    let known = Known::new(image, machine.entry, &run.after, &said)?;
    for site in &all {
        let right = match gone.holds(site.address) {
            // Nobody can look any more; the kernel has counted it.
            true => Ok(site.winner(&numbers).is_some()),
            false => expect::site_is_right(image, run, site, &numbers, &known),
        };
        match right {
            Ok(true) => drop(changed.insert(site.address)),
            Ok(false) => {}
            Err(why) => drop(faults.insert(site.address, why)),
        }
    }
    for site in &wrong {
        let why = format!("the site is not as it must be: {site:x?}");
        faults.entry(site.address).or_insert(why.into());
    }
    for (number, cap) in (0..).zip(found.iter_mut()) {
        count(cap, number, &all, &numbers, &changed, |site| {
            !faults.contains_key(&site.address)
        });
    }
    let of_all = faults.len();
    if let Some((_, why)) = faults.into_iter().next() {
        let why = why.message().unwrap_or("no reason").to_owned();
        return Err(format!("{of_all} sites are wrong, the first: {why}").into());
    }
    let outcome = &run.outcome;
    let patched = changed.len() as u32;
    let expected = (present.len() as u32, all.len() as u32, patched);
    if (outcome.caps, outcome.sites, outcome.patched) != expected {
        return Err(format!(
            "caps, sites, patched: expected {expected:?}, the guest says {outcome:?}"
        )
        .into());
    }
    applied::is_what_runs(image, machine, run, &said, &known, &gone)?;
    Ok((patched, all.len() as u32))
}

/// The ID registers that the kernel has read.
pub fn registers(facts: &[Fact]) -> Registers {
    let said = facts.iter().filter_map(|fact| match fact {
        Fact::IdReg { name, value } => Some((name.to_string(), *value)),
        _ => None,
    });
    said.collect()
}

/// Adds up the sites of a cpucap, by its number.
fn count(
    cap: &mut Cap,
    number: u16,
    sites: &[Site],
    present: &BTreeSet<u16>,
    changed: &BTreeSet<u64>,
    is_right: impl Fn(&Site) -> bool,
) {
    cap.verified = true;
    for site in sites {
        let names_it = |record: &sites::Record| record.condition.cap == number;
        if !site.records.iter().any(names_it) {
            continue;
        }
        let won = site.records.split_inclusive(|r| !r.condition.and_next);
        let winner = site.winner(present);
        let mut won = won.filter(|arm| winner == arm.first());
        let by_it = won.any(|arm| {
            arm.iter()
                .any(|record| names_it(record) && !record.condition.negated)
        });
        cap.sites += 1;
        cap.patched += u32::from(by_it && changed.contains(&site.address));
        cap.verified &= is_right(site);
    }
}

/// Both ways: each register that was measured, and no other.
fn same_registers(said: &Registers, measured: &Registers, entry: Entry) -> Result<()> {
    let (name, mask) = EL2_FIELD;
    let el2 = said.get(name).map(|word| word & mask);
    if (entry == Entry::El2) == (el2 == Some(0)) {
        return Err(format!("{}, and {name}.EL2 is {el2:x?}", entry.name()).into());
    }
    for name in said.keys().chain(measured.keys()) {
        let shown = |from: &Registers| {
            let ignored = if name == EL2_FIELD.0 { EL2_FIELD.1 } else { 0 };
            from.get(name).map(|word| word & !ignored)
        };
        if shown(said) != shown(measured) {
            let (said, measured) = (said.get(name), measured.get(name));
            return Err(format!("{name}: the guest says {said:x?}, measured {measured:x?}").into());
        }
    }
    Ok(())
}
