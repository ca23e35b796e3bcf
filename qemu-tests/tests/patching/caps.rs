//! The cpucaps of a CPU by its ID registers: a second reader of `cpucaps.toml`.
//!
//! It shares only the positions of the fields with our own reader; they are compared with Arm's
//! data in the tests of `alt-cpu`.

use std::collections::{BTreeMap, BTreeSet};

use qemu_tests::facts::Cap;
use toml::{Table, Value};

use crate::Result;
use crate::machines::Registers;

/// The entries of the file.
pub fn file() -> Table {
    include_str!("../../../cpucaps.toml")
        .parse()
        .expect("valid TOML")
}

/// Names in the order of the file: the place of a name is its number.
pub fn names() -> Vec<&'static str> {
    let lines = include_str!("../../../cpucaps.toml").lines();
    lines
        .filter_map(|line| line.strip_prefix('[')?.strip_suffix(']'))
        .collect()
}

/// Names of the cpucaps that a CPU with these registers has.
pub fn present(registers: &Registers) -> Result<BTreeSet<String>> {
    let file = file();
    let mut present = BTreeSet::new();
    for (name, entry) in &file {
        if holds(&entry["detect"], registers)? {
            present.insert(name.clone());
        }
    }
    // What is not there takes along what needs it.
    loop {
        let before = present.len();
        let lacking: Vec<_> = present
            .iter()
            .filter(|name| {
                let needs = file[*name].get("requires").and_then(Value::as_array);
                needs
                    .into_iter()
                    .flatten()
                    .any(|need| !present.contains(need.as_str().unwrap_or("")))
            })
            .cloned()
            .collect();
        present.retain(|name| !lacking.contains(name));
        if present.len() == before {
            return Ok(present);
        }
    }
}

fn holds(rule: &Value, registers: &Registers) -> Result<bool> {
    if rule.as_str() == Some("always") {
        return Ok(true);
    }
    let rule = rule.as_table().ok_or("a rule is \"always\" or a table")?;
    if let Some(field) = rule.get("field") {
        return field_holds(field.as_str().unwrap_or(""), rule, registers);
    }
    let (kind, operand) = rule.iter().next().ok_or("an empty rule")?;
    let list = operand.as_array().map(Vec::as_slice).unwrap_or_default();
    let results = || list.iter().map(|rule| holds(rule, registers));
    match kind.as_str() {
        "midr" => Ok(list.iter().any(|range| midr_holds(range, registers))),
        "any" => Ok(results().collect::<Result<Vec<_>>>()?.contains(&true)),
        "all" => Ok(!results().collect::<Result<Vec<_>>>()?.contains(&false)),
        "not" => Ok(!holds(operand, registers)?),
        other => Err(format!("a rule that this test does not know: {other}").into()),
    }
}

fn field_holds(name: &str, rule: &Table, registers: &Registers) -> Result<bool> {
    let field = alt_cpu::Field::lookup(name).ok_or("no such field")?;
    let register = name.split('.').next().unwrap_or("");
    let word = registers
        .get(register)
        .ok_or_else(|| format!("{register} was not measured"))?;
    let raw = (word >> field.lsb) as i64 & ((1 << field.width) - 1);
    let all_ones = raw == (1 << field.width) - 1;
    let negative = match field.scheme {
        alt_cpu::Scheme::Unsigned => false,
        alt_cpu::Scheme::Signed => raw >> (field.width - 1) != 0,
        alt_cpu::Scheme::Alternative => all_ones,
    };
    let value = if negative {
        raw - (1 << field.width)
    } else {
        raw
    };
    let bound = |key, default| rule.get(key).and_then(Value::as_integer).unwrap_or(default);
    Ok((bound("min", i64::MIN)..=bound("max", i64::MAX)).contains(&value))
}

fn midr_holds(range: &Value, registers: &Registers) -> bool {
    let midr = registers["MIDR_EL1"] as i64;
    let number = |key: &str| range[key].as_integer().unwrap_or(-1);
    let release = |text: &str| {
        let (variant, revision) = text.trim_start_matches('r').split_once('p').expect("rXpY");
        (
            variant.parse::<i64>().expect("a number"),
            revision.parse::<i64>().expect("a number"),
        )
    };
    let own = (midr >> 20 & 15, midr & 15);
    let bound = |key, default| {
        range
            .get(key)
            .and_then(Value::as_str)
            .map_or(default, release)
    };
    let fixed = range.get("fixed").is_some_and(|fix| {
        let bit = fix["revidr_bit"].as_integer().unwrap_or(-1);
        own == release(fix["revision"].as_str().unwrap_or(""))
            && registers["REVIDR_EL1"] >> bit & 1 != 0
    });
    number("implementer") == midr >> 24 & 0xff
        && number("part") == midr >> 4 & 0xfff
        && (bound("from", (0, 0))..=bound("to", (15, 15))).contains(&own)
        && !fixed
}

/// What the guest says about every cpucap against what the registers say.
pub fn agree(said: &[Cap<'_>], present: &BTreeSet<String>) -> Result<()> {
    let said: BTreeMap<_, _> = said.iter().map(|cap| (cap.name, cap)).collect();
    let names = names();
    if said.len() != names.len() {
        return Err(format!(
            "the guest knows {} cpucaps, the file {}",
            said.len(),
            names.len()
        )
        .into());
    }
    for (number, name) in names.iter().enumerate() {
        let cap = said
            .get(name)
            .ok_or_else(|| format!("the guest does not know {name}"))?;
        if usize::from(cap.number) != number || cap.present != present.contains(*name) {
            return Err(format!(
                "{name} ({number}): expected present={}, the guest says {cap:?}",
                present.contains(*name)
            )
            .into());
        }
    }
    Ok(())
}
