//! What memory must hold after the pass, from the image and the ID registers.

use std::collections::BTreeSet;

use qemu_tests::facts::{self, Fact};
use qemu_tests::sites::{self, Kind, Site};
use qemu_tests::{Image, Launch, Profile, Run, Status, compare, disasm, skip};

use crate::machines::{Registers, TestMachine};
use crate::{Result, applied, caps, computed, kernel, qemu};

const NOP: u32 = 0xd503_201f;

/// Runs the kernel, which must come to a good end.
pub fn run(image: &Image, machine: &TestMachine) -> Result<Run> {
    let run = Launch::new(image, machine.machine()).run(qemu()?)?;
    if run.outcome.status != Status::Ok {
        let log: Vec<_> = run.log.iter().map(|line| line.message.as_str()).collect();
        return Err(format!("{:?}:\n{}", run.outcome, log.join("\n")).into());
    }
    Ok(run)
}

/// The whole comparison for one profile on one machine.
pub fn words(profile: Profile, machine: &TestMachine) -> Result<()> {
    if machine.cpu.contains("vfp=off") {
        let name = machine.name();
        skip::because(&format!(
            "words on {name}: compiled code of the target uses FP registers"
        ));
        return Ok(());
    }
    let image = kernel(profile)?;
    let run = run(&image, machine)?;
    let facts: Vec<_> = facts::read(&run.log).collect();

    let said = facts.iter().filter_map(|fact| match fact {
        Fact::IdReg { name, value } => Some((name.to_string(), *value)),
        _ => None,
    });
    let said: Registers = said.collect();
    if let Some(measured) = &machine.registers {
        same_registers(&said, measured)?;
    }

    let said_caps: Vec<_> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Cap(cap) => Some(*cap),
            _ => None,
        })
        .collect();
    let present = caps::present(machine.registers.as_ref().unwrap_or(&said))?;
    caps::agree(&said_caps, &present)?;
    let names = caps::names();
    let numbers: BTreeSet<u16> = (0..names.len() as u16)
        .filter(|n| present.contains(names[usize::from(*n)]))
        .collect();

    let records = sites::read(&image)?;
    let all = sites::sites(&records);
    let outside = compare::outside_sites(&image, &run.before, &run.after, &records)?;
    if !outside.is_empty() {
        return Err(format!("changed outside of the sites: {outside:x?}").into());
    }
    let wrong = compare::wrong_sites(&all, &numbers, &run.before, &run.after)?;
    if !wrong.is_empty() {
        return Err(format!("sites that are not as they must be: {wrong:x?}").into());
    }
    let mut patched = 0;
    for site in &all {
        patched += u32::from(site_is_right(&image, &run, site, &numbers)?);
    }
    let outcome = &run.outcome;
    let expected = (present.len() as u32, all.len() as u32, patched);
    if (outcome.caps, outcome.sites, outcome.patched) != expected {
        return Err(format!(
            "caps, sites, patched: expected {expected:?}, the guest says {outcome:?}"
        )
        .into());
    }
    applied::is_what_runs(&image, machine, &run, &said)
}

/// Both ways: each register that was measured, and no other.
fn same_registers(said: &Registers, measured: &Registers) -> Result<()> {
    for name in said.keys().chain(measured.keys()) {
        if said.get(name) != measured.get(name) {
            let (said, measured) = (said.get(name), measured.get(name));
            return Err(format!("{name}: the guest says {said:x?}, measured {measured:x?}").into());
        }
    }
    Ok(())
}

/// Checks the words of a site; says whether they changed.
fn site_is_right(image: &Image, run: &Run, site: &Site, caps: &BTreeSet<u16>) -> Result<bool> {
    let count = site.records[0].len();
    let before = run.before.words(site.address, count)?;
    let after = run.after.words(site.address, count)?;
    match site.winner(caps).map(|record| record.kind) {
        Some(Kind::Alternative {
            replacement,
            replacement_len,
            ..
        }) => {
            alternative(image, site.address, replacement, replacement_len, &after)?;
        }
        Some(Kind::Callback { callback, .. }) => {
            let name = image
                .place(callback)
                .ok_or("the callback has no name")?
                .symbol;
            computed::is_right(&name, site.address, &after)?;
        }
        Some(Kind::Nops { .. }) => padding(&after)?,
        // Judged by `compare::wrong_sites`.
        Some(Kind::Branch { .. }) | None => {}
    }
    Ok(before != after)
}

/// Checks the words of a site against the replacement, which the linker has put
/// elsewhere.
fn alternative(image: &Image, site: u64, replacement: u64, len: u8, after: &[u32]) -> Result<()> {
    let len = usize::from(len);
    let bytes = image
        .bytes(replacement, 4 * len)
        .ok_or("the replacement is not in the image")?;
    let source = bytes
        .chunks(4)
        .map(|word| u32::from_le_bytes(word.try_into().expect("4 bytes")));
    let inside = replacement..=replacement + 4 * len as u64;
    for ((now, from), offset) in after.iter().zip(source).zip((0..).step_by(4)) {
        let (at, to) = (replacement + offset, site + offset);
        if !moved(from, at, *now, to, &inside) {
            let (from, now) = (disasm::instruction(from, at), disasm::instruction(*now, to));
            return Err(format!("{to:#x}: `{from}` became `{now}`").into());
        }
    }
    padding(&after[len..]).map_err(|why| format!("{site:#x}: {why}: {:x?}", &after[len..]).into())
}

/// Whether `now` at `to` does what `from` did at `at`: the same instruction, as a
/// disassembler reads it, of the same target; or unchanged, with a target that
/// moves along.
fn moved(from: u32, at: u64, now: u32, to: u64, inside: &std::ops::RangeInclusive<u64>) -> bool {
    let there = disasm::instruction(from, at);
    let target = there
        .split("0x")
        .last()
        .and_then(|hex| u64::from_str_radix(hex, 16).ok());
    let depends_on_place = there != disasm::instruction(from, at + 0x1000_0000);
    if depends_on_place && target.is_some_and(|target| inside.contains(&target)) {
        now == from
    } else if depends_on_place {
        disasm::instruction(now, to) == there
    } else {
        now == from
    }
}

/// Up to three NOPs, or a branch to the end and NOPs behind it.
fn padding(words: &[u32]) -> std::result::Result<(), &'static str> {
    let (expected, rest) = match words {
        [first, rest @ ..] if words.len() > 3 => (*first == 0x1400_0000 | words.len() as u32, rest),
        _ => (true, words),
    };
    if expected && rest.iter().all(|word| *word == NOP) {
        Ok(())
    } else {
        Err("not padding")
    }
}
