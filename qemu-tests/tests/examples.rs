//! Each kernel of `examples/` boots, patches what the CPU is known to have, counts right before and
//! after, and takes few lines of its author's.
//!
//! Each trial has a name: `examples::higher-half::cortex-a53::smp4`.

mod trials;

use qemu_tests::examples::{self, Boot, Example};
use qemu_tests::{Machine, Profile};
use trials::{Result, qemu, trial};

/// CPU models, and whether QEMU gives them LSE, CRC32 and SB: see ID_AA64ISAR0_EL1 and
/// ID_AA64ISAR1_EL1 in `linker/cpus/qemu.toml`.
const CPUS: [(&str, bool, bool, bool); 3] = [
    ("cortex-a53", false, true, false),
    ("cortex-a76", true, true, false),
    ("max", true, true, true),
];

fn main() {
    let mut all = Vec::new();
    for example in examples::ALL {
        for (cpu, lse, crc32, sb) in CPUS {
            // The quick start has two sites for LSE; the others one for each cpucap.
            let expected = match example.package {
                "quickstart" => (2 * usize::from(lse), 2),
                _ => (usize::from(lse) + usize::from(crc32) + usize::from(sb), 3),
            };
            for smp in [1, 4] {
                let name = format!("examples::{}::{cpu}::smp{smp}", example.package);
                all.push(trial(name, move || boots(example, cpu, smp, expected)));
            }
        }
    }
    trials::run(all);
}

fn boots(example: Example, cpu: &str, smp: u32, expected: (usize, usize)) -> Result<()> {
    let machine = Machine::new(cpu).smp(smp);
    let Boot {
        sites,
        patched,
        printed,
    } = example.boot(qemu()?, &machine, Profile::Release)?;
    let all_cpus = format!("ok: {smp} CPUs counted to");
    match (patched, sites) == expected && (!example.smp || printed.contains(&all_cpus)) {
        true => Ok(()),
        false => {
            Err(format!("{patched} of {sites}, not {expected:?}; it printed:\n{printed}").into())
        }
    }
}
