//! `cargo xtask sizes`: the cost of sites in the demo's image, in bytes.

mod stack;

use crate::{Outcome, Profile, setup, style};
use alt_image::{image::Image, names::CapNames, records::Records, stats::Stats};
use qemu_tests::guest;
use stack::BOUNDS;
pub(crate) use stack::Stack;
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
    let image = Image::parse(fs::read(guest::build("quickstart", profile)?)?)?;
    let is_bounded = write_stack(&image, profile, &mut out)?;
    write_cpucaps(&image, &mut out)?;
    Ok(is_bounded)
}

/// The stack of the functions that the quick start calls. Returns whether it is within the bounds,
/// which hold for optimised kernels.
fn write_stack(image: &Image, profile: Profile, out: &mut impl Write) -> std::io::Result<bool> {
    let heading = format!("Stack, examples/quickstart, profile {}", profile.name());
    writeln!(out, "\n{}\n", style::heading(heading))?;
    let stack = Stack::new(image);
    let mut is_bounded = true;
    for (name, bound) in BOUNDS {
        match stack.of(name) {
            Ok(Some(depth)) => {
                is_bounded &= depth.bytes <= bound || profile == Profile::Dev;
                let own = match depth.is_indirect {
                    true => ", and what the kernel's own functions take",
                    false => "",
                };
                writeln!(out, "{name}: {} bytes of {bound}{own}", depth.bytes)?;
                for (name, frame) in &depth.path {
                    writeln!(out, "{frame:>8} {name}")?;
                }
            }
            Ok(None) => writeln!(out, "{name}: inlined into its caller")?,
            Err(why) => {
                is_bounded = false;
                writeln!(out, "{name}: {why}")?;
            }
        }
    }
    Ok(is_bounded)
}

/// The read-only data of the table of cpucaps.
fn write_cpucaps(image: &Image, out: &mut impl Write) -> std::io::Result<()> {
    let symbols = image.symbols().iter();
    let tables = symbols.filter(|symbol| symbol.name.contains("8__PACKED"));
    let bytes: u64 = tables
        .map(|symbol| symbol.range.end - symbol.range.start)
        .sum();
    writeln!(out, "\nread-only data of the cpucaps: {bytes} bytes")
}
