//! Outline atomics of kernel-demo: whose helpers each build has, and what the calls are in memory on
//! each CPU.
//!
//! Each trial has a name: `helpers::size`, `calls::cortex-a53`. That the atomics give the right
//! results is a check of the kernel, before the pass and after it, on one CPU and on four.

use std::collections::BTreeMap;

use alt_image::atomics::called_at;
use alt_image::image::Image as HostImage;
use alt_runtime::atomics::{Helper, WORD_PREFIX};
use libtest_mimic::Trial;
use qemu_tests::sites::{self, SiteKind};
use qemu_tests::trials::{self, Result, kernel, qemu, trial};
use qemu_tests::{Freed, Image, Launch, Machine, Profile, Run, Status, facts};

/// RET (Arm ARM C6.2.300).
const RET: u32 = 0xd65f_03c0;

/// The flag of `compiler_builtins`' helpers.
const TOOLCHAIN_FLAG: &str = "__aarch64_have_lse_atomics";

/// The CPUs, whether they have FEAT_LSE (their TRMs), and the kernel's command line. Of unequal CPUs,
/// those that lack it decide.
const SYSTEMS: [(&str, &str, bool, &str); 6] = [
    ("cortex-a53", "cortex-a53", false, ""),
    ("cortex-a72", "cortex-a72", false, ""),
    ("cortex-a76", "cortex-a76", true, ""),
    ("max", "max", true, ""),
    ("nolse", "cortex-a76", false, "arm64.nolse"),
    (
        "boot-cpu-alone",
        "cortex-a76",
        false,
        "cpu1.id_aa64isar0.atomic=0 cpu2.id_aa64isar0.atomic=0 cpu3.id_aa64isar0.atomic=0",
    ),
];

fn main() {
    let mut all = Vec::new();
    let links = Profile::LINKS
        .iter()
        .filter(|profile| !Profile::ALL.contains(profile));
    for &profile in Profile::ALL.iter().chain(links) {
        all.push(trial(format!("helpers::{profile}"), move || {
            helpers(profile)
        }));
    }
    for (name, cpu, has_lse, line) in SYSTEMS {
        let name = format!("calls::{name}");
        all.push(trial(name, move || calls(cpu, has_lse, line)));
    }
    all.push(Trial::test("a_name_is_a_word", a_name_is_a_word));
    trials::run(all);
}

/// Whether `symbol` is a helper, and not a function whose name has the word in it.
fn named(symbol: &str) -> Option<Helper> {
    Helper::named(symbol).filter(|_| !symbol.starts_with("_Z") && !symbol.starts_with("_R"))
}

fn a_name_is_a_word() -> Result<()> {
    let is_helper = ["__aarch64_swp4_acq", "hyp.nvhe.__aarch64_swp4_acq"].map(named);
    let other = [
        "_ZN14__aarch64_swp4_acqE",
        "__aarch64_swp16_acq",
        TOOLCHAIN_FLAG,
    ]
    .map(named);
    match is_helper.iter().all(Option::is_some) && other.iter().all(Option::is_none) {
        true => Ok(()),
        false => Err(format!("{is_helper:?} {other:?}").into()),
    }
}

/// Each helper in the image is a site, reads no flag, has no LSE instruction in its default, and
/// becomes its instruction and RET. Those of `compiler_builtins` are not in the image.
fn helpers(profile: Profile) -> Result<()> {
    let image = kernel(profile)?;
    let host = HostImage::parse(image.file().to_vec())?;
    let records = sites::read(&image)?;
    let mut sites = BTreeMap::new();
    for site in sites::sites(&records) {
        sites.insert(site.address, site);
    }
    let word = |address: u64| {
        let bytes = image
            .bytes(address, 4)
            .and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(u32::from_le_bytes)
            .ok_or("an address outside of the image")
    };
    let mut count = 0;
    for symbol in host.symbols().iter() {
        if symbol.name.contains(TOOLCHAIN_FLAG) {
            return Err("the helpers of compiler_builtins are in the image".into());
        }
        let Some(helper) = named(&symbol.name) else {
            continue;
        };
        let at = symbol.range.start;
        let site = sites
            .get(&at)
            .ok_or(format!("{} is no site", symbol.name))?;
        let [record] = site.records[..] else {
            return Err(format!("{}: {site:x?}", symbol.name).into());
        };
        let SiteKind::Alternative {
            replacement,
            replacement_len: 2,
            ..
        } = record.kind
        else {
            return Err(format!("{}: {record:x?}", symbol.name).into());
        };
        let becomes = [word(replacement)?, word(replacement + 4)?];
        if becomes != [helper.insn().0, RET] {
            return Err(format!("{} becomes {becomes:x?}", symbol.name).into());
        }
        for at in site.range().step_by(4) {
            let text = qemu_tests::disasm::instruction(word(at)?, at);
            let is_lse = ["cas", "swp", "ldadd", "ldclr", "ldeor", "ldset"];
            if is_lse.iter().any(|name| text.starts_with(name)) {
                return Err(format!("{} at {at:#x}: {text}", symbol.name).into());
            }
        }
        // The word of the calls is that of the helper.
        let of_calls = symbol
            .name
            .replace(alt_runtime::atomics::PREFIX, WORD_PREFIX);
        let of_calls = host.symbols().iter().find(|symbol| symbol.name == of_calls);
        if of_calls.is_some_and(|symbol| symbol.range.start != replacement) {
            return Err(format!("{}: the calls become another word", symbol.name).into());
        }
        count += 1;
    }
    match count >= 20 {
        true => Ok(()),
        false => Err(format!("{count} helpers only").into()),
    }
}

/// At least 95 % of the calls are one instruction where all CPUs have LSE, and none elsewhere.
fn calls(cpu: &str, has_lse: bool, line: &str) -> Result<()> {
    let image = kernel(Profile::Release)?;
    let machine = Machine::new(cpu).smp(4).args(["-append", line]);
    let run = Launch::new(&image, machine).run(qemu()?)?;
    let Counts { calls, replaced } = count(&image, &run)?;
    let expected = match has_lse {
        true => replaced * 100 >= calls * 95,
        false => replaced == 0,
    };
    let checked = ["before", "after"].map(|phase| {
        let text = format!("check {phase} smp ok");
        run.log.iter().any(|line| line.message == text)
    });
    match run.outcome.status == Status::Ok && calls >= 50 && expected && checked == [true; 2] {
        true => Ok(()),
        false => {
            let log = &run.log;
            Err(format!("{calls} calls, {replaced} replaced, {checked:?}: {log:#?}").into())
        }
    }
}

struct Counts {
    calls: usize,
    replaced: usize,
}

/// Counts the calls that are sites, in memory that is not freed after boot.
fn count(image: &Image, run: &Run) -> Result<Counts> {
    let host = HostImage::parse(image.file().to_vec())?;
    let facts: Vec<_> = facts::read(&run.log).collect();
    let freed = Freed::read(image, &facts);
    let mut counts = Counts {
        calls: 0,
        replaced: 0,
    };
    for site in sites::sites(&sites::read(image)?) {
        let Some(helper) = called_at(&host, site.address).filter(|_| !freed.holds(site.address))
        else {
            continue;
        };
        if site.range().count() != 4 {
            continue;
        }
        counts.calls += 1;
        let found = run.after.word(site.address)?;
        let before = run.before.word(site.address)?;
        if found == helper.insn().0 {
            counts.replaced += 1;
        } else if found != before {
            return Err(format!("{:#x} {helper}: {found:#x}", site.address).into());
        }
    }
    Ok(counts)
}
