//! `cargo xtask matrix`: runs the kernel on every machine, in every build profile, entered at EL1
//! and at EL2; prints a table and writes a page with the state of each cpucap on each machine.

mod grid;
mod heat;
mod page;

use crate::{
    Outcome,
    setup::{self, Age},
    style,
};
use clap::Args;
use grid::Grid;
use qemu_tests::{
    results::{self, Line},
    skip,
};
use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::NamedTempFile;
use test_support::workspace;

/// The trials to run.
#[derive(Args)]
pub(crate) struct MatrixArguments {
    /// Runs only trials whose name contains this text: `release::el2`, `cortex-a76`, `max,`.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Reads results from files instead of running trials, usually from shards.
    #[arg(long, value_name = "FILE", conflicts_with = "filter")]
    from: Vec<PathBuf>,
    /// The file of the page.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Installs a newer QEMU first where the distribution has one, in its backports for example.
    #[arg(long)]
    newer_qemu: bool,
}

/// Runs the trials or reads results; prints the table and writes the page.
pub(crate) fn run(arguments: &MatrixArguments) -> Outcome {
    let mut passed = true;
    let mut skipped = Vec::new();
    let mut lines = String::new();
    if arguments.from.is_empty() {
        setup::ensure(match arguments.newer_qemu {
            true => Age::New,
            false => Age::Any,
        })?;
        let (results, reasons) = (NamedTempFile::new()?, NamedTempFile::new()?);
        passed = run_trials(arguments.filter.as_deref(), results.path(), reasons.path())?;
        lines = fs::read_to_string(results.path())?;
        let reasons = fs::read_to_string(reasons.path())?;
        skipped.extend(reasons.lines().map(str::to_owned));
    }
    for path in &arguments.from {
        lines += &fs::read_to_string(path).map_err(|why| format!("{}: {why}", path.display()))?;
    }
    let (mut trials, mut lacking) = (Vec::new(), Vec::new());
    for line in results::read(&lines)? {
        match line {
            Line::Trial(trial) => trials.push(trial),
            Line::Lacking(machine) => lacking.push(machine),
        }
    }
    if trials.is_empty() && lacking.is_empty() && skipped.is_empty() {
        return Err("there is no result; maybe no trial matches the filter".into());
    }
    // One computer may have a machine that another lacked.
    lacking.retain(|lacking| trials.iter().all(|trial| trial.machine != lacking.machine));
    skipped.extend(lacking.iter().map(grid::lacking));
    skipped.sort();
    skipped.dedup();

    let grid = Grid::new(&trials);
    anstream::println!("{grid}");
    if !skipped.is_empty() {
        anstream::println!("\n{}", style::heading("skipped"));
        skipped.iter().for_each(|why| anstream::println!("{why}"));
    }
    let path = match &arguments.html {
        Some(path) => path.clone(),
        None => test_support::target_dir().join("matrix.html"),
    };
    let qemu: BTreeSet<_> = trials.iter().map(|trial| trial.qemu.as_str()).collect();
    let qemu: Vec<_> = qemu.into_iter().collect();
    let page = page::page(&grid, &heat::rows(&trials), &skipped, &qemu);
    fs::write(&path, page).map_err(|why| format!("{}: {why}", path.display()))?;
    anstream::println!("\npage: {}", path.display());
    anstream::println!("matrix: {}, {} skipped", grid.total(), skipped.len());
    Ok(passed && grid.total().failed == 0)
}

/// Runs the trials as tests, including those that exist only for the matrix; false if one fails.
fn run_trials(filter: Option<&str>, results: &Path, reasons: &Path) -> std::io::Result<bool> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(workspace())
        .args(["test", "--quiet", "--package", "qemu-tests"])
        .args(["--test", "patching", "--"])
        // These tests have no machine of the matrix.
        .args(["--skip", "corrupt::", "--skip", "image::"])
        .args(filter)
        .env(results::FILE, results)
        .env(skip::FILE, reasons);
    Ok(command.status()?.success())
}
