//! `cargo xtask bench`: exact counts instead of seconds. They are the same on every host, and in
//! every run with one toolchain.

mod bytes;
mod finished;
mod fit;
mod guest;
mod json;
mod linux;
mod measure;
mod plot;
mod random;
mod report;
mod shape;
mod table;
mod trace;

use crate::{Outcome, setup};
use clap::Args;
use qemu_tests::{Image, Profile, guest as build};
use std::path::PathBuf;
use table::Caps;

#[derive(Args)]
pub(crate) struct BenchArguments {
    /// Prints the numbers as JSON.
    #[arg(long)]
    json: bool,
    /// Where to write the plot of the cost over the size of the table.
    #[arg(long, value_name = "FILE", default_value = "target/bench.svg")]
    plot: PathBuf,
}

/// Builds the guest, counts, prints, plots.
pub(crate) fn run(arguments: &BenchArguments) -> Outcome {
    let qemu = setup::ensure(setup::Age::Any)?;
    let open = |package| -> qemu_tests::Result<_> {
        Ok(Image::open(&build::build(package, Profile::Release)?)?)
    };
    let (image, kernel) = (open("bench-guest")?, open("kernel-demo")?);
    let measured = measure::all(&qemu, &image, &kernel)?;

    // The counts must be the same in each run.
    for caps in [Caps::Most, Caps::Few] {
        let again = measure::case(&qemu, &image, 1_000, caps)?;
        if measured.case(1_000, caps) != Some(&again) {
            return Err(format!("two runs differ: {again:?} in the second one").into());
        }
    }

    if let Some(directory) = arguments.plot.parent() {
        std::fs::create_dir_all(directory)?;
    }
    plot::write(&measured, &arguments.plot)?;
    if arguments.json {
        println!("{:#}", json::of(&measured));
    } else {
        report::print(&measured);
        anstream::println!("plot: {}", arguments.plot.display());
        anstream::println!("{}", finished::summary(&qemu, &image, &measured)?);
        anstream::println!("{}", report::summary(&measured)?);
    }
    Ok(true)
}
