//! Each kernel of `examples/` boots, patches the sites for the features of its CPU, counts
//! correctly before and after, and needs few lines of integration.
//!
//! Each trial has a name: `examples::higher-half::cortex-a53::smp4`.

use std::process::Command;

use libtest_mimic::Trial;
use qemu_tests::examples::{self, Boot, Example};
use qemu_tests::trials::{self, Result, qemu, trial};
use qemu_tests::{Image, Machine, Profile, guest, skip};

/// CPU models, and whether QEMU gives them LSE, CRC32 and SB: see ID_AA64ISAR0_EL1 and
/// ID_AA64ISAR1_EL1 in `linker/image/cpus/qemu.toml`.
const CPUS: [(&str, bool, bool, bool); 3] = [
    ("cortex-a53", false, true, false),
    ("cortex-a76", true, true, false),
    ("max", true, true, true),
];

fn main() {
    let mut all = vec![
        Trial::test("integration_is_short", integration_is_short),
        Trial::test("linker_scripts_stay", linker_scripts_stay),
        trial("readme_shows_what_is_printed", readme_shows_what_is_printed),
        trial("quickstart_has_outline_atomics", has_outline_atomics),
        trial(
            "flat_images_are_those_of_objcopy",
            flat_images_are_those_of_objcopy,
        ),
    ];
    for example in examples::ALL {
        for (cpu, lse, crc32, sb) in CPUS {
            // The quick start has two sites for LSE; the others one for each cpucap.
            let expected = match example.package {
                "quickstart" => (2 * usize::from(lse), 2),
                _ => (usize::from(lse) + usize::from(crc32) + usize::from(sb), 3),
            };
            if example.package == "quickstart" {
                let name = format!("examples::quickstart::{cpu}::el2");
                all.push(trial(name, move || boots_at_el2(example, cpu, expected)));
            }
            for smp in [1, 4] {
                let name = format!("examples::{}::{cpu}::smp{smp}", example.package);
                all.push(trial(name, move || boots(example, cpu, smp, expected)));
            }
        }
        if example.smp {
            let name = format!("examples::{}::command_line", example.package);
            all.push(trial(name, move || obeys_the_command_line(example)));
        }
    }
    trials::run(all);
}

/// As a hypervisor would: the kernel stays at EL2, at which it is entered.
fn boots_at_el2(example: Example, cpu: &str, expected: (usize, usize)) -> Result<()> {
    let machine = Machine::new(cpu).options("virt,gic-version=3,virtualization=on");
    let boot = example.boot(qemu()?, &machine, Profile::Release)?;
    match (boot.patched, boot.sites) == expected
        && boot.printed.contains("ok: counted to 42 at EL2")
    {
        true => Ok(()),
        false => Err(format!("not {expected:?}; it printed:\n{}", boot.printed).into()),
    }
}

fn boots(example: Example, cpu: &str, smp: u32, expected: (usize, usize)) -> Result<()> {
    let machine = Machine::new(cpu).smp(smp);
    let Boot {
        sites,
        patched,
        printed,
    } = example.boot(qemu()?, &machine, Profile::Release)?;
    let mut as_it_must = (patched, sites) == expected;
    if example.smp {
        as_it_must &= printed.contains(&format!("ok: {smp} CPUs counted to"));
    }
    if example.package == "relocatable" {
        as_it_must &= printed.contains("linked at 0, runs at 0x40200000");
    }
    match as_it_must {
        true => Ok(()),
        false => {
            Err(format!("{patched} of {sites}, not {expected:?}; it printed:\n{printed}").into())
        }
    }
}

/// The quick start as cargo builds it in its folder: its atomics are helpers, which are sites for LSE. Linked
/// by alt-ld, the calls of the helpers are sites as well.
fn has_outline_atomics() -> Result<()> {
    let quickstart = examples::ALL[0];
    let (package, profile) = (quickstart.package, Profile::Release);
    let config = "examples/quickstart/.cargo/config.toml";
    let mut found = Vec::new();
    for path in [
        guest::build_configured(package, profile, config)?,
        guest::build_by_alt_ld(package, profile, config)?,
    ] {
        let image = Image::open(&path)?;
        let helper = "__aarch64_ldadd8_relax";
        if image.variable(helper).is_none() && image.function(helper).is_none() {
            return Err(format!("{}: no {helper}", path.display()).into());
        }
        for cpu in ["cortex-a53", "cortex-a76"] {
            let boot = quickstart.boot_image(qemu()?, &Machine::new(cpu), &image)?;
            let is_right = boot.printed.contains("ok: counted to 42");
            found.push((boot.patched, boot.sites, is_right));
        }
    }
    match found[..] {
        [
            (0, few, true),
            (all, _, true),
            (0, more, true),
            (patched, _, true),
        ] if few > 2 && all == few && more > few && patched == more => Ok(()),
        _ => Err(format!("{found:?}").into()),
    }
}

/// Without LSE, a cortex-a76 is left with CRC32.
fn obeys_the_command_line(example: Example) -> Result<()> {
    let machine = Machine::new("cortex-a76").args(["-append", "arm64.nolse"]);
    let boot = example.boot(qemu()?, &machine, Profile::Release)?;
    match (boot.patched, boot.sites) {
        (1, 3) => Ok(()),
        other => Err(format!("{other:?}: {}", boot.printed).into()),
    }
}

fn readme_shows_what_is_printed() -> Result<()> {
    let readme = std::fs::read_to_string(test_support::workspace().join("README.md"))?;
    let boot = examples::ALL[0].boot(qemu()?, &Machine::new("max"), Profile::Release)?;
    let report = boot.printed.lines().find(|line| line.contains("rewritten"));
    match report.is_some_and(|report| readme.contains(&format!("`{report}`"))) {
        true => Ok(()),
        false => Err(format!("README.md does not have {report:?}").into()),
    }
}

fn flat_images_are_those_of_objcopy() -> Result<()> {
    const OBJCOPY: &str = "aarch64-linux-gnu-objcopy";
    if Command::new(OBJCOPY).arg("--version").output().is_err() {
        skip::because("flat_images_are_those_of_objcopy: needs aarch64-linux-gnu-objcopy");
        return Ok(());
    }
    for example in examples::ALL.iter().filter(|example| example.flat) {
        let elf = guest::build(example.package, Profile::Release)?;
        let expected = tempfile::NamedTempFile::new()?;
        let mut objcopy = Command::new(OBJCOPY);
        objcopy
            .args(["-O", "binary"])
            .arg(&elf)
            .arg(expected.path());
        if !objcopy.status()?.success() {
            return Err("objcopy failed".into());
        }
        if Image::open(&elf)?.flat()? != std::fs::read(expected)? {
            return Err(example.package.into());
        }
    }
    Ok(())
}

/// At most 20 lines, each of which it shows when there are more.
fn integration_is_short() -> Result<()> {
    for example in examples::ALL {
        let lines = example.integration()?;
        println!("{}: {} lines of integration", example.package, lines.len());
        if lines.len() > 20 {
            return Err(format!("{}: {lines:#?}", example.package).into());
        }
    }
    Ok(())
}

/// No linker script and no build script mentions alt-runtime.
fn linker_scripts_stay() -> Result<()> {
    for example in examples::ALL {
        for entry in std::fs::read_dir(example.folder())? {
            let path = entry?.path();
            let is_script = path.extension().is_some_and(|extension| extension == "ld");
            let text = match is_script || path.ends_with("build.rs") {
                true => std::fs::read_to_string(&path)?,
                false => continue,
            };
            let code = text.lines().filter(|line| !line.starts_with("//"));
            if let Some(line) = code.into_iter().find(|line| line.contains("alt")) {
                return Err(format!("{}: {line}", path.display()).into());
            }
        }
    }
    Ok(())
}
