//! `cargo xtask demo --livepatch`: two builds of the kernel, without and with a patch; a payload of
//! what differs; and the old kernel, which runs on while it is applied and reverted.

mod builds;
mod phases;
mod source;

use super::{Demo, DemoArguments, heading, show_image, show_log, verdict};
use crate::{setup, style};
use anstream::{print, println};
use builds::Tools;
use phases::Phases;
use qemu_tests::{
    Freed, Image, Launch, Machine, Run, disasm, facts,
    livepatch::{Payload, Replaced},
    sites,
};
use source::Source;
use std::{
    error::Error,
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};
use test_support::workspace;

/// The patch of the demo.
const PATCH: &str = "kernel-demo/livepatch/demo.diff";

/// Exit codes of `alt livepatch diff`.
const SAME: Option<i32> = Some(0);
const CHANGED: Option<i32> = Some(1);

/// The largest number of functions whose old and new words are shown.
const SHOWN: usize = 8;

/// The reason for the demo to have failed, if it has.
pub(super) fn boot(
    arguments: &DemoArguments,
    machine: Machine,
    patch: Option<&Path>,
) -> Result<Option<String>, Box<dyn Error>> {
    let own = workspace().join(PATCH);
    let patch = match patch {
        Some(patch) => std::path::absolute(patch)?,
        None => own,
    };
    let folder = builds::folder();
    let (old, new) = (folder.join("old"), folder.join("new"));
    let tools = Tools::build()?;
    make_builds(&tools, &patch, &old, &new)?;

    heading("difference");
    let output = tools.livepatch(["diff".as_ref(), old.as_os_str(), new.as_os_str()])?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    let image = Image::open(&old.join("image"))?;
    let payload = match output.status.code() {
        SAME => {
            println!("no payload: nothing functional has changed");
            None
        }
        CHANGED => Some(make_payload(&tools, &old, &new, &folder, &image)?),
        _ => return Ok(Some(refusal("the change cannot be patched", &output))),
    };
    show_image(&image);
    let run = run(arguments, machine, &image, payload.as_ref())?;
    let phases = Phases::read(&run.log);
    if let Some((_, payload)) = &payload {
        show_functions(payload, &phases);
    }
    show_behaviour(&phases);
    let reason = judge(
        arguments,
        &image,
        &run,
        &phases,
        payload.as_ref().map(|(_, p)| p),
    )?;
    if reason.is_some() {
        show_log(&run.log);
        return Ok(reason);
    }
    heading("seen from outside");
    println!(
        "the text is what it was: all words but those of the sites, which hold what the cpucaps ask for"
    );
    let functions = payload.map_or(0, |(_, payload)| payload.functions.len());
    let outcome = run.outcome;
    println!("\nlivepatch: {functions} functions replaced, reverted");
    println!(
        "demo: ok cpu={} caps={} sites={} patched={}",
        arguments.cpu, outcome.caps, outcome.sites, outcome.patched
    );
    Ok(None)
}

/// Builds the kernel without and with the patch.
fn make_builds(tools: &Tools, patch: &Path, old: &Path, new: &Path) -> Result<(), Box<dyn Error>> {
    heading("builds");
    let source = Source::copy(builds::folder().join("source"))?;
    if source.contains(patch)? {
        println!("the workspace has the change already: the old kernel is built without it");
        source.revert(patch)?;
    } else {
        // Before the build of the old kernel: it takes a while.
        source.apply(patch)?;
        source.revert(patch)?;
    }
    println!("old: {}", shown(old));
    builds::build(&source, tools, old)?;
    source.apply(patch)?;
    println!("new: {}, with {}", shown(new), shown(patch));
    builds::build(&source, tools, new)
}

/// The payload, and its description.
fn make_payload(
    tools: &Tools,
    old: &Path,
    new: &Path,
    folder: &Path,
    image: &Image,
) -> Result<(PathBuf, Payload), Box<dyn Error>> {
    let path = folder.join("payload");
    let arguments = [
        "build".as_ref(),
        old.as_os_str(),
        new.as_os_str(),
        "-o".as_ref(),
        path.as_os_str(),
    ];
    let output = tools.livepatch(arguments)?;
    if !output.status.success() {
        return Err(refusal("there is no payload", &output).into());
    }
    heading("payload");
    let shown = tools.livepatch(["show".as_ref(), path.as_os_str()])?;
    print!("{}", String::from_utf8_lossy(&shown.stdout));
    let payload = Payload::open(&path, image)?;
    Ok((path, payload))
}

/// The refusal of a program: its first line as the reason, and the others.
fn refusal(what: &str, output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    match text.trim() {
        "" => format!("{what}: see above"),
        text => format!("{what}: {text}"),
    }
}

/// Boots the old kernel, which runs its checks before the payload is applied, while it is applied, and after it is reverted.
fn run(
    arguments: &DemoArguments,
    machine: Machine,
    image: &Image,
    payload: Option<&(PathBuf, Payload)>,
) -> Result<Run, Box<dyn Error>> {
    let functions = payload.map_or(&[][..], |(_, payload)| &payload.functions);
    let peeks = functions
        .iter()
        .map(|function| format!("peek:{:#x}", function.branch));
    let show = ["call", "check", "sum"]
        .map(String::from)
        .into_iter()
        .chain(peeks);
    let show: Vec<_> = show.collect();
    let operation = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let commands = match payload {
        Some(_) => [
            show.clone(),
            operation(&["load:0", "apply:0"]),
            show.clone(),
            operation(&["revert:0"]),
            show,
            operation(&["unload:0", "calls"]),
        ]
        .concat(),
        None => show,
    };
    let line = arguments.append.as_deref().unwrap_or_default();
    let line = format!("{line} livepatch={}", commands.join(","));
    let machine = machine.args(["-append", line.trim()]);
    let mut launch = Launch::new(image, machine).timeout(Duration::from_secs(120));
    if let Some((path, _)) = payload {
        launch = launch.payload(path);
    }
    Ok(launch.run(&setup::ensure(setup::Age::Any)?)?)
}

/// The word that becomes a branch in each function, in each phase.
fn show_functions(payload: &Payload, phases: &Phases) {
    heading("text, before | applied | reverted");
    let words = words(phases);
    for function in payload.functions.iter().take(SHOWN) {
        println!("{:#x} {}", function.address, function.name);
        let columns = words.each_ref().map(|words| {
            let word = words
                .iter()
                .find(|(address, _)| *address == function.branch);
            word.map_or("?".into(), |(address, word)| {
                disasm::instruction(*word, *address)
            })
        });
        println!(
            "    {:<32} | {:<32} | {}",
            columns[0], columns[1], columns[2]
        );
    }
    if let Some(more) = payload
        .functions
        .len()
        .checked_sub(SHOWN)
        .filter(|more| *more != 0)
    {
        println!("and {more} more");
    }
}

/// The words that the kernel has read in each phase, with their addresses.
fn words(phases: &Phases) -> [Vec<(u64, u32)>; 3] {
    phases.notes("word").map(|lines| {
        let read = |line: &&str| {
            let (address, word) = line.split_once(' ')?;
            let number = |text: &str| u64::from_str_radix(text.strip_prefix("0x")?, 16).ok();
            Some((number(address)?, number(word)? as u32))
        };
        lines.iter().filter_map(read).collect()
    })
}

/// The messages that differ while the payload is applied.
fn show_behaviour(phases: &Phases) {
    heading("messages and results");
    let calls = phases.notes("versions");
    let said = [0, 1, 2].map(|phase| [&calls[phase][..], &phases.said[phase]].concat());
    let [before, applied, reverted] = &said;
    let only = |these: &[&str], others: &[&str], what: &str| {
        for line in these.iter().filter(|line| !others.contains(line)) {
            println!("{what:<9} {line}");
        }
    };
    only(before, applied, "before");
    only(applied, before, "applied");
    only(reverted, applied, "reverted");
    let same = before.iter().filter(|line| applied.contains(line)).count();
    println!(
        "{}",
        style::faint(format!("{same} further messages are the same"))
    );
}

/// Why the run is not as required.
fn judge(
    arguments: &DemoArguments,
    image: &Image,
    run: &Run,
    phases: &Phases,
    payload: Option<&Payload>,
) -> Result<Option<String>, Box<dyn Error>> {
    if let Some((command, why)) = phases.refused() {
        return Ok(Some(format!("{command}: {why}")));
    }
    if let Some(payload) = payload {
        let wrong = wrong_words(payload, phases);
        if wrong.is_some() {
            return Ok(wrong);
        }
    }
    let records = sites::read(image)?;
    let facts: Vec<_> = facts::read(&phases.rest).collect();
    let demo = Demo {
        cpu: &arguments.cpu,
        el2: arguments.el2,
        qemu: &setup::ensure(setup::Age::Any)?,
        image,
        sites: &sites::sites(&records),
        run,
        freed: Freed::read(image, &facts),
        facts,
    };
    Ok(verdict::reason(&demo, &records)?)
}

/// Whether the first words of the functions were branches exactly while the payload was applied.
fn wrong_words(payload: &Payload, phases: &Phases) -> Option<String> {
    let words = words(phases);
    let [before, applied, reverted] = &words;
    for Replaced { name, branch, .. } in &payload.functions {
        let word = |words: &[(u64, u32)]| {
            let word = words.iter().find(|(address, _)| address == branch);
            word.map(|(_, word)| *word)
        };
        let (Some(before), Some(applied), Some(reverted)) =
            (word(before), word(applied), word(reverted))
        else {
            return Some(format!("{name}: the kernel could not read its text"));
        };
        // B (Arm ARM C6.2, B).
        if applied >> 26 != 0b00_0101 {
            return Some(format!(
                "{name}: {applied:#x} is not a branch, while the payload is applied"
            ));
        }
        if before != reverted {
            return Some(format!(
                "{name}: {before:#x} has become {reverted:#x} after the revert"
            ));
        }
    }
    let sums = phases.notes("sum").map(|sums| sums.first().copied());
    (sums[0] != sums[2] || sums[0] == sums[1] || sums[0].is_none())
        .then(|| format!("checksums of the text before, applied, reverted: {sums:?}"))
}

/// A path, from the current directory if it is below.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here)
        .unwrap_or(path)
        .display()
        .to_string()
}
