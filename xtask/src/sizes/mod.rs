//! `cargo xtask sizes`: the bytes that alt-runtime adds to a minimal kernel; the cost of sites in the demo's
//! image, in bytes; the stack of the functions that a kernel calls.

mod minimal;
mod stack;
#[cfg(test)]
mod tests;

use crate::{Outcome, Profile, setup, style};
use alt_image::{image::Image, names::CapNames, records::Records, stats::Stats};
use qemu_tests::guest;
pub(crate) use stack::Stack;
use stack::{BOUNDS, BOUNDS_OF_ONE_PASS};
use std::{fs, io::Write};

/// Builds the kernels and prints the tables.
pub(crate) fn run(profile: Profile) -> Outcome {
    setup::ensure_target()?;
    let minimal = minimal::measure()?;
    let image = Image::parse(fs::read(guest::build("kernel-demo", profile)?)?)?;
    let records = Records::find(&image, None)?;
    let stats = Stats::new(&image, &records, &CapNames::default());

    let mut out = anstream::stdout().lock();
    let heading = "Bytes that are added to a minimal kernel, fat LTO, opt-level s";
    writeln!(out, "{}\n{}", style::heading(heading), minimal::HEADING)?;
    for row in minimal {
        writeln!(out, "{row}")?;
    }
    writeln!(
        out,
        "\n{}\n",
        style::heading(format!("kernel-demo, profile {}", profile.name()))
    )?;
    stats.write_kinds(&mut out)?;
    writeln!(out)?;
    stats.write_totals(&mut out)?;
    let kernel = format!("kernel-demo, profile {}", profile.name());
    let is_optimised = profile != Profile::Dev;
    let demo = write_stack(&image, &kernel, &BOUNDS, is_optimised, &mut out)?;
    let image = Image::parse(fs::read(minimal::build("raw")?)?)?;
    let one_pass = write_stack(
        &image,
        "minimal kernel",
        &BOUNDS_OF_ONE_PASS,
        true,
        &mut out,
    )?;
    Ok(demo && one_pass)
}

/// The stack of the functions that `kernel` calls. Returns whether it is within the bounds, which hold
/// for optimised kernels.
fn write_stack(
    image: &Image,
    kernel: &str,
    bounds: &[(&str, u64)],
    is_optimised: bool,
    out: &mut impl Write,
) -> std::io::Result<bool> {
    writeln!(out, "\n{}\n", style::heading(format!("Stack, {kernel}")))?;
    let stack = Stack::new(image);
    let mut is_bounded = true;
    for &(name, bound) in bounds {
        match stack.of(name) {
            Ok(Some(depth)) => {
                is_bounded &= depth.bytes <= bound || !is_optimised;
                let own = match depth.is_indirect {
                    true => ", and what the kernel's own functions take",
                    false => "",
                };
                writeln!(out, "{name}: {} bytes of {bound}{own}", depth.bytes)?;
                for (name, frame) in &depth.path {
                    writeln!(out, "{frame:>8} {name}")?;
                }
            }
            Ok(None) => {
                is_bounded &= !is_optimised;
                writeln!(
                    out,
                    "{name}: inlined into its caller, so its stack is not known"
                )?;
            }
            Err(why) => {
                is_bounded = false;
                writeln!(out, "{name}: {why}")?;
            }
        }
    }
    Ok(is_bounded)
}
