//! `cargo xtask sizes`: the cost of sites in the demo's image, in bytes.

use crate::{Outcome, Profile, setup, style};
use alt_image::{image::Image, names::CapNames, records::Records, stats::Stats};
use qemu_tests::guest;
use std::{fs, io::Write};

/// Builds the demo kernel and prints its tables.
pub(crate) fn run(profile: Profile) -> Outcome {
    setup::ensure_target()?;
    let image = Image::parse(fs::read(guest::build("kernel-demo", profile)?)?)?;
    let records = Records::find(&image, None)?;
    let stats = Stats::new(&image, &records, &CapNames::default());

    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{}\n",
        style::heading(format!("kernel-demo, profile {}", profile.name()))
    )?;
    stats.write_kinds(&mut out)?;
    writeln!(out)?;
    stats.write_totals(&mut out)?;
    Ok(true)
}
