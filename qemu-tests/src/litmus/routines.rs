//! Compares the steps of the routines in an image with those of the scenarios, in order.
//!
//! The routines are disassembled, and every path through them is followed, with one turn of each
//! loop. Only instructions that the memory model describes are steps.

use super::{Caches, scenario};
use crate::{Image, disasm};
use std::collections::BTreeSet;

/// The steps of a path, by name.
type Steps = Vec<String>;

const BRANCH: &str = "BRANCH";

/// Upper limit of the steps of a path, without repetitions.
const MOST: usize = 32;

/// The text in litmus tests, and in the routine: by x11, at which a word is executed.
const IN_TESTS: [&str; 2] = ["[x1]", "[x8]"];
const IN_ROUTINE: [&str; 2] = ["[x11]", "[x3, x11]"];

/// Upper limit of the steps of a repetition.
const LONGEST_LOOP: usize = 8;

/// Whether a conditional branch is a step: it is a step if it depends on a loaded value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Branches {
    /// It is a step between the first load and the last barrier.
    Kept,
    /// It is not a step.
    Left,
}

/// Checks the routine that writes text and the one in which others wait.
///
/// # Errors
/// A path that no scenario contains, or a scenario without a path.
pub fn routines_are_those_of_the_scenarios(image: &Image) -> Result<(), String> {
    let commit = paths(image, "arch::commit::commit", Branches::Left)?;
    let neither = column("self", Caches::ALL[0], 0)?;
    let all_at_once = neither
        .iter()
        .map(|step| step.replace("IC IVAU", "IC IALLUIS"));
    let ways = [
        neither.clone(),
        all_at_once.collect(),
        column("self", Caches::ALL[2], 0)?,
    ];
    same("commit", &commit, &of_commit(&ways)?)?;

    let wait = paths(image, "arch::wait::wait_if_requested", Branches::Kept)?;
    same(
        "wait_if_requested",
        &wait,
        &of_wait(&column("held", Caches::ALL[0], 1)?)?,
    )
}

/// The paths of commit: with nothing to write, with words that are written, and with words that do
/// not read back and are restored.
fn of_commit(ways: &[Steps]) -> Result<BTreeSet<Steps>, String> {
    let mut paths = BTreeSet::new();
    for way in ways {
        let dc = way
            .iter()
            .position(|step| step == "DC")
            .ok_or("no DC in `self`")?;
        let (writes, visible) = way.split_at(dc + 1);
        let read = &writes[..dc];
        let back = ["STR".to_owned(), "DC".to_owned()];
        for begin in [
            &[][..],
            writes,
            &[read, &back].concat(),
            &[writes, read, &back].concat(),
        ] {
            paths.insert([begin, visible].concat());
        }
    }
    Ok(paths)
}

/// The paths of wait_if_requested: the first load of the generation, alone or followed by the steps
/// of a stopped CPU.
fn of_wait(held: &[String]) -> Result<BTreeSet<Steps>, String> {
    let [stlr, leave @ ..] = held else {
        return Err("`held` has no P1".into());
    };
    let look = &leave[..leave.len() - 1];
    Ok([
        leave.to_vec(),
        [look, std::slice::from_ref(stlr), leave].concat(),
    ]
    .into())
}

fn same(name: &str, found: &BTreeSet<Steps>, expected: &BTreeSet<Steps>) -> Result<(), String> {
    let said = |paths: &mut dyn Iterator<Item = &Steps>| paths.next().map(|path| path.join(", "));
    if let Some(path) = said(&mut found.difference(expected)) {
        return Err(format!(
            "{name} has a path that is in no litmus test: {path}"
        ));
    }
    match said(&mut expected.difference(found)) {
        Some(path) => Err(format!(
            "{name} has no path like that of the litmus test: {path}"
        )),
        None => Ok(()),
    }
}

/// The steps of a CPU in a scenario, until it reaches the text that is modified.
fn column(name: &str, caches: Caches, cpu: usize) -> Result<Steps, String> {
    let program = scenario(name, caches)?;
    let lines = program.cpu(cpu).iter();
    let lines = lines.take_while(|line| !line.starts_with("m0:"));
    Ok(lines
        .filter_map(|line| step(&line.to_lowercase(), &IN_TESTS))
        .collect())
}

/// The steps of each path through a function of the image, from its first instruction to `ret`.
///
/// # Errors
/// The function is missing, or has an instruction that this analysis cannot follow.
pub fn paths(image: &Image, name: &str, branches: Branches) -> Result<BTreeSet<Steps>, String> {
    let range = image
        .function(name)
        .ok_or_else(|| format!("no function {name}"))?;
    let bytes = image.bytes(range.start, (range.end - range.start) as usize);
    let (words, _) = bytes
        .ok_or_else(|| format!("no text of {name}"))?
        .as_chunks::<4>();
    let text: Vec<_> = (range.start..)
        .step_by(4)
        .zip(words)
        .map(|(at, word)| disasm::instruction(u32::from_le_bytes(*word), at))
        .collect();
    let mut paths = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![(0, Steps::new())];
    while let Some((index, mut steps)) = open.pop() {
        let line = text
            .get(index)
            .ok_or_else(|| format!("{name} runs past its end"))?;
        let counts = |step: &String| step != BRANCH || branches == Branches::Kept;
        steps.extend(step(line, &IN_ROUTINE).filter(counts));
        collapse(&mut steps);
        if steps.len() > MOST {
            return Err(format!(
                "{name} has a path that is too long: {}",
                steps.join(", ")
            ));
        }
        if !seen.insert((index, steps.clone())) {
            continue;
        }
        let mnemonic = line.split(' ').next().unwrap_or_default();
        if mnemonic == "ret" {
            let is_step = |step: &String| step != BRANCH;
            let first = steps.iter().position(is_step).unwrap_or(0);
            let end = steps.iter().rposition(is_step).map_or(0, |last| last + 1);
            paths.insert(steps[first..end].to_vec());
            continue;
        }
        if mnemonic == "b" || is_conditional(mnemonic) {
            let target = target(line).and_then(|to| to.checked_sub(range.start));
            let target = target.ok_or_else(|| format!("{name} leaves by `{line}`"))?;
            open.push((target as usize / 4, steps.clone()));
        }
        if mnemonic != "b" {
            open.push((index + 1, steps));
        }
    }
    Ok(paths)
}

/// Removes a sequence that is twice in a row at the end: a turn of a loop.
fn collapse(steps: &mut Steps) {
    loop {
        let length = steps.len();
        let repeated = (1..=LONGEST_LOOP.min(length / 2))
            .find(|n| steps[length - n..] == steps[length - 2 * n..length - n]);
        match repeated {
            Some(n) => steps.truncate(length - n),
            None => return,
        }
    }
}

/// Whether an instruction, in lower case, is a step, and which. Stores and loads are steps if they
/// access `text`, and not the arguments of the routine.
fn step(line: &str, text: &[&str]) -> Option<String> {
    let line = line.trim();
    let (mnemonic, operands) = line.split_once(' ').unwrap_or((line, ""));
    let operands = operands.trim();
    let name = match mnemonic {
        "str" | "ldr" if is_of(text, operands) => mnemonic.to_uppercase(),
        "ldar" | "stlr" | "isb" => mnemonic.to_uppercase(),
        "dc" => "DC".into(),
        "dsb" | "ic" => {
            let kind = operands.split(',').next().unwrap_or_default();
            format!("{} {}", mnemonic, kind.trim()).to_uppercase()
        }
        _ if is_conditional(mnemonic) => BRANCH.into(),
        _ => return None,
    };
    Some(name)
}

/// Whether a store or load is of a word at one of these addresses.
fn is_of(places: &[&str], operands: &str) -> bool {
    let operands = operands.split_once(',');
    operands.is_some_and(|(register, address)| {
        register.starts_with('w') && places.contains(&address.trim())
    })
}

fn is_conditional(mnemonic: &str) -> bool {
    mnemonic.starts_with("b.") || ["cbz", "cbnz", "tbz", "tbnz"].contains(&mnemonic)
}

fn target(line: &str) -> Option<u64> {
    u64::from_str_radix(line.rsplit("0x").next()?.trim(), 16).ok()
}
