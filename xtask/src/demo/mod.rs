//! `cargo xtask demo`: boots the kernel and shows how it has patched its own text.

mod atomics;
mod hypervisor;
mod listing;
mod livepatch;
mod tables;
mod verdict;

use crate::{Outcome, setup, style};
use anstream::{eprintln, println};
use clap::Args;
use qemu_tests::{
    Error, Freed, Image, Launch, LogLine, Machine, Profile, Qemu, Run,
    facts::{self, Fact},
    guest,
    sites::{self, Site},
};
use sha2::{Digest, Sha256};
use std::{
    env,
    path::{Path, PathBuf},
};

/// The kernel's package and binary.
const PACKAGE: &str = "kernel-demo";

#[derive(Args)]
pub(crate) struct DemoArguments {
    /// CPU model of QEMU, with properties: `max,pauth=off`, `cortex-a53,midr=0x410fd030`.
    #[arg(long, default_value = "cortex-a76")]
    cpu: String,
    /// The kernel's command line: `arm64.nolse`, `cpu3.id_aa64isar0.atomic=0`.
    #[arg(long, value_name = "LINE")]
    append: Option<String>,
    /// Has the kernel entered at EL2, where it installs its hypervisor; at EL1 without.
    #[arg(long)]
    el2: bool,
    /// Number of CPUs.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=8))]
    smp: u32,
    /// Replaces functions of the running kernel and restores them: those that change by PATCH, a `git
    /// diff` of any code that ends up in the kernel. Without PATCH, by kernel-demo/livepatch/demo.diff.
    #[arg(long, value_name = "PATCH", num_args = 0..=1, conflicts_with = "dev")]
    livepatch: Option<Option<PathBuf>>,
    /// Builds the kernel optimised (the default).
    #[arg(long, conflicts_with = "dev")]
    release: bool,
    /// Builds the kernel unoptimised.
    #[arg(long)]
    dev: bool,
}

impl DemoArguments {
    fn profile(&self) -> Profile {
        match self.dev {
            true => Profile::Dev,
            false => Profile::Release,
        }
    }
}

/// The image, the run and the contents of the log, which are shown and judged.
struct Demo<'a> {
    cpu: &'a str,
    /// Entered at EL2.
    el2: bool,
    qemu: &'a Qemu,
    image: &'a Image,
    sites: &'a [Site],
    run: &'a Run,
    facts: Vec<Fact<'a>>,
    /// Memory that the kernel has freed, whose sites are not checked.
    freed: Freed,
}

/// Builds, runs, shows, judges.
pub(crate) fn run(arguments: &DemoArguments) -> Outcome {
    let cpu = &arguments.cpu;
    match boot(arguments) {
        Ok(None) => Ok(true),
        Ok(Some(reason)) => Ok(failed(cpu, &reason)),
        Err(error) => {
            show_log(error.downcast_ref().map(Error::log).unwrap_or_default());
            Ok(failed(cpu, &error.to_string()))
        }
    }
}

/// The reason why the demo has failed, if it has.
fn boot(arguments: &DemoArguments) -> Result<Option<String>, Box<dyn std::error::Error>> {
    let qemu = setup::ensure(setup::Age::Any)?;
    let mut machine = Machine::new(&arguments.cpu).smp(arguments.smp);
    if arguments.el2 {
        let options = format!("{},virtualization=on", machine.options);
        machine = machine.options(options);
    }
    if !qemu.has_cpu(machine.model()) {
        let (version, model) = (qemu.version(), machine.model());
        return Ok(Some(format!(
            "QEMU {version} has no CPU model {model}; `{} -machine virt -cpu help` lists them",
            Qemu::binary_name()
        )));
    }
    if let Some(patch) = &arguments.livepatch {
        return livepatch::boot(arguments, machine, patch.as_deref());
    }
    if let Some(line) = &arguments.append {
        machine = machine.args(["-append", line]);
    }
    let image = Image::open(&guest::build(PACKAGE, arguments.profile())?)?;
    show_image(&image);
    let records = sites::read(&image)?;
    let run = Launch::new(&image, machine).run(&qemu)?;
    let facts: Vec<_> = facts::read(&run.log).collect();
    let demo = Demo {
        cpu: &arguments.cpu,
        el2: arguments.el2,
        qemu: &qemu,
        image: &image,
        sites: &sites::sites(&records),
        run: &run,
        freed: Freed::read(&image, &facts),
        facts,
    };
    demo.show()?;
    let reason = verdict::reason(&demo, &records)?;
    if reason.is_some() {
        show_log(&run.log);
        return Ok(reason);
    }
    let (cpu, outcome) = (demo.cpu, run.outcome);
    heading("seen from outside");
    println!(
        "every site has the words that image, cpucaps and result imply; no other word has changed"
    );
    println!("{}", atomics::line(&demo)?);
    println!(
        "\ndemo: ok cpu={cpu} caps={} sites={} patched={}",
        outcome.caps, outcome.sites, outcome.patched
    );
    Ok(None)
}

impl Demo<'_> {
    fn show(&self) -> qemu_tests::Result<()> {
        tables::machine(self);
        tables::caps(self);
        tables::counts(self);
        listing::show(self)?;
        tables::checks(self);
        hypervisor::show(self);
        tables::remarks(self);
        Ok(())
    }
}

fn show_image(image: &Image) {
    let path = env::current_dir()
        .ok()
        .and_then(|here| image.path().strip_prefix(here).ok())
        .unwrap_or(image.path());
    heading("image");
    println!("{}", Path::display(path));
    let file = image.file();
    println!("{} bytes, sha256 {}", file.len(), sha256(file));
}

/// SHA-256 in lower-case hex.
fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn show_log(log: &[LogLine]) {
    if !log.is_empty() {
        eprintln!("\n{}", style::heading("the kernel's log"));
        for line in log {
            eprintln!("{line}");
        }
    }
}

fn heading(text: &str) {
    println!("\n{}", style::heading(text));
}

/// Prints that the demo failed: the last line of the task, after the details if there are any.
fn failed(cpu: &str, reason: &str) -> bool {
    let mut lines = reason.lines();
    let reason = lines.next().unwrap_or_default();
    for line in lines {
        eprintln!("{line}");
    }
    eprintln!("{} cpu={cpu}: {reason}", style::bad("demo: FAILED"));
    false
}

#[cfg(test)]
mod tests {
    #[test]
    fn digest_is_that_of_sha256sum() {
        // FIPS 180-2, appendix B.1.
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(super::sha256(b"abc"), digest);
    }
}
