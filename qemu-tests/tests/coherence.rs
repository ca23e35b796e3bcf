//! The patcher under the coherence plugin: no violation, and a violation with any step left out.

use object::{Object, ObjectSection};
use qemu_tests::coherence::{Coherence, Missing, Violation, When};
use qemu_tests::facts::{self, Fact};
use qemu_tests::mutants::{self, Observer};
use qemu_tests::{Image, Launch, Machine, Profile, Qemu, Status, WatchedRun, guest};
use std::collections::BTreeSet;
use std::fs;

/// All models that QEMU has: VIPT and PIPT, lines of 64 and 256 bytes, IDC and DIC.
const MODELS: [&str; 12] = [
    "cortex-a35",
    "cortex-a53",
    "cortex-a55",
    "cortex-a57",
    "cortex-a72",
    "cortex-a76",
    "cortex-a710",
    "neoverse-n1",
    "neoverse-n2",
    "neoverse-v1",
    "a64fx",
    "max",
];

fn kernel(profile: Profile) -> Image {
    Image::open(&guest::build("kernel-demo", profile).unwrap()).unwrap()
}

fn watch(image: &Image, machine: Machine, coherence: Coherence) -> WatchedRun {
    let launch = Launch::new(image, machine).watched_by(coherence);
    launch.run(&Qemu::find().unwrap()).unwrap()
}

/// Boots the kernel and requires that there is no violation: boot-scope pass, last pass, a module.
#[track_caller]
fn must_be_clean(image: &Image, machine: Machine) -> WatchedRun {
    let what = format!("{machine:?}");
    let watched = watch(image, machine, Coherence::new());
    let WatchedRun { run, seen } = &watched;
    assert_eq!(run.outcome.status, Status::Ok, "{what}: {:#?}", run.log);
    assert_eq!((&seen.violations[..], seen.found), (&[][..], 0), "{what}");
    assert_eq!(seen.untranslated, 0, "{what}");
    // It has looked: every pass stores, and what was stored is executed.
    assert!(seen.stores >= u64::from(run.outcome.patched), "{what}");
    assert!(seen.executions > 100, "{what}: {}", seen.executions);
    let has_module = facts::read(&run.log).any(|fact| {
        matches!(fact, Fact::Check(check) if check.name == "module" && check.failure.is_none())
    });
    assert!(has_module, "{what}: {:#?}", run.log);
    watched
}

fn clean_with(smp: u32) {
    let (image, qemu) = (kernel(Profile::Release), Qemu::find().unwrap());
    for model in MODELS.iter().filter(|model| qemu.has_cpu(model)) {
        must_be_clean(&image, Machine::new(*model).smp(smp));
    }
}

#[test]
fn patcher_is_clean_with_one_cpu() {
    if !qemu_tests::skip::without_coherence("patcher_is_clean_with_one_cpu") {
        clean_with(1);
    }
}

#[test]
fn patcher_is_clean_with_two_cpus() {
    if !qemu_tests::skip::without_coherence("patcher_is_clean_with_two_cpus") {
        clean_with(2);
    }
}

#[test]
fn patcher_is_clean_with_four_cpus() {
    if !qemu_tests::skip::without_coherence("patcher_is_clean_with_four_cpus") {
        clean_with(4);
    }
}

/// Entered at EL2, where the hypervisor runs at addresses of its own, in both variants. Its text is
/// patched through the kernel's alias, and invalidated by the kernel's addresses.
#[test]
fn hypervisor_is_clean() {
    if qemu_tests::skip::without_coherence("hypervisor_is_clean") {
        return;
    }
    const TAG: u64 = 0x55;
    let (image, qemu) = (kernel(Profile::Release), Qemu::find().unwrap());
    for model in MODELS.iter().filter(|model| qemu.has_cpu(model)) {
        for smp in [1, 4] {
            let machine = Machine::new(*model).smp(smp);
            let machine = machine.options("virt,gic-version=3,virtualization=on");
            let machine = machine.args(["-append", &format!("hyp.tag={TAG}")]);
            let mut coherence = Coherence::new();
            for name in [".hyp.nvhe.text", ".hyp.vhe.text"] {
                let text = &image.section(name).unwrap().range;
                let [start, end] = [text.start, text.end].map(|address| address | TAG << 39);
                coherence = coherence.count_within(name, start..end);
            }
            let WatchedRun { run, seen } = watch(&image, machine, coherence);
            let what = format!("{model} {smp}");
            assert_eq!(run.outcome.status, Status::Ok, "{what}: {:#?}", run.log);
            assert_eq!((&seen.violations[..], seen.found), (&[][..], 0), "{what}");
            assert_eq!(seen.untranslated, 0, "{what}");
            // It has looked: one of the variants has run, at its own addresses, 100,000 times.
            let counted = |name: &str| seen.regions[name].instructions;
            let (nvhe, vhe) = (counted(".hyp.nvhe.text"), counted(".hyp.vhe.text"));
            assert!(
                nvhe.min(vhe) == 0 && nvhe.max(vhe) > 1_000_000,
                "{what}: {nvhe} {vhe}"
            );
        }
    }
}

/// An error of the pass is noticed at EL2 as well, where the words are executed.
#[test]
fn missing_clean_is_noticed_at_el2() {
    if qemu_tests::skip::without_coherence("missing_clean_is_noticed_at_el2") {
        return;
    }
    let image = kernel(Profile::Release);
    let mutant = mutants::all().iter().find(|mutant| mutant.name == "no-dc");
    let spoilt = mutant.unwrap().spoil(&image).unwrap();
    let machine = Machine::new("cortex-a53").options("virt,gic-version=3,virtualization=on");
    let seen = watch(spoilt.image(), machine, Coherence::new()).seen;
    let at_el2 = |found: &&Violation| found.when == When::Executed && found.pc >> 39 != 0;
    let found: Vec<_> = seen.violations.iter().filter(at_el2).collect();
    assert!(!found.is_empty(), "{:#?}", seen.violations);
    for found in found {
        assert_eq!(found.missing, Missing::Clean, "{found}");
        assert_eq!(found.pc & ((1 << 39) - 1), found.word, "{found}");
    }
}

#[test]
fn patcher_is_clean_in_every_profile() {
    if qemu_tests::skip::without_coherence("patcher_is_clean_in_every_profile") {
        return;
    }
    for profile in Profile::ALL {
        must_be_clean(&kernel(profile), Machine::new("cortex-a53").smp(2));
    }
}

/// The clean and invalidate of old Cortex-A53.
#[test]
fn clean_to_coherency_is_a_clean() {
    if qemu_tests::skip::without_coherence("clean_to_coherency_is_a_clean") {
        return;
    }
    let machine = Machine::new("cortex-a53,midr=0x410fd030").smp(2);
    let watched = must_be_clean(&kernel(Profile::Release), machine);
    let ops = &watched.seen.regions["commit"].ops;
    use qemu_tests::coherence::OpKind::{DcCivac, DcCvau};
    assert!(ops[&DcCivac] > 0 && !ops.contains_key(&DcCvau), "{ops:?}");
}

/// Compares the plugin's counts in the routine with the lines that the guest reports as cleaned,
/// and with CTR_EL0.
#[test]
fn operations_of_the_routine_are_counted() {
    if qemu_tests::skip::without_coherence("operations_of_the_routine_are_counted") {
        return;
    }
    let image = kernel(Profile::Release);
    let watched = must_be_clean(&image, Machine::new("cortex-a76"));
    let commit = &watched.seen.regions["commit"];
    // Four passes: the wrong alias, boot scope, the rest, the module. Each has two DSBs and an
    // ISB, also the one that is undone.
    assert_eq!((commit.dsbs(), commit.isbs()), (8, 4), "{commit:?}");
    let lines = facts::read(&watched.run.log).find_map(|fact| match fact {
        Fact::Report(text) => text.rsplit_once("lines=")?.1.parse().ok(),
        _ => None,
    });
    let lines: u64 = lines.unwrap_or_else(|| panic!("no lines in {:#?}", watched.run.log));
    // The lines of the boot-scope and the last pass; the others do not say theirs.
    assert!(commit.cleans() > lines, "{commit:?}, {lines} lines");
    let again = must_be_clean(&image, Machine::new("cortex-a76"));
    assert_eq!(&again.seen.regions["commit"], commit);

    // DIC.
    if Qemu::find().unwrap().has_cpu("neoverse-n2") {
        let watched = must_be_clean(&image, Machine::new("neoverse-n2"));
        assert_eq!(watched.seen.regions["commit"].invalidations(), 0);
    }
}

/// A pass uses DIC of its own CPUs, and the module loader IDC as well, where the CPUs of another
/// machine need each step.
#[test]
fn caches_of_another_cpu_need_more() {
    if qemu_tests::skip::without_coherence("caches_of_another_cpu_need_more") {
        return;
    }
    const NEITHER: u64 = 0x8444_c004;
    let (image, qemu) = (kernel(Profile::Release), Qemu::find().unwrap());
    for (model, ctr, expected) in [
        (
            "neoverse-n2",
            0xb444_c004,
            [Missing::Clean, Missing::Invalidate].as_slice(),
        ),
        ("cortex-a710", 0x9444_c004, &[Missing::Clean]),
    ] {
        if !qemu.has_cpu(model) {
            continue;
        }
        let with = |ctr: &[u64]| -> BTreeSet<_> {
            let machine = Machine::new(model).smp(2);
            let seen = watch(&image, machine, Coherence::new().ctr(ctr)).seen;
            seen.violations.iter().map(|found| found.missing).collect()
        };
        assert_eq!(with(&[ctr]), BTreeSet::new(), "{model}");
        assert_eq!(
            with(&[ctr, NEITHER]),
            expected.iter().copied().collect(),
            "{model}"
        );
    }
}

const IC_IALLUIS: u32 = 0xd508_711f;
const IC_IALLU: u32 = 0xd508_751f;
const DSB_ISH: u32 = 0xd503_3b9f;
const DSB_ISHST: u32 = 0xd503_3a9f;
const DSB_NSH: u32 = 0xd503_379f;

/// A copy of the image in which an instruction of the patching routine, the `n`th such word from
/// 0, is another one.
fn altered(image: &Image, word: u32, n: usize, becomes: u32) -> (tempfile::TempDir, Image) {
    let range = image.function("arch::commit::commit").unwrap();
    let mut found = range.step_by(4).filter(|address| {
        let bytes = image.bytes(*address, 4).unwrap();
        u32::from_le_bytes(bytes.try_into().unwrap()) == word
    });
    let address = found.nth(n).unwrap();
    let elf = object::File::parse(image.file()).unwrap();
    let mut sections = elf.sections();
    let section = sections.find(|section| {
        section.address() <= address && address - section.address() < section.size()
    });
    let section = section.unwrap();
    let offset = section.file_range().unwrap().0 + address - section.address();
    let mut file = image.file().to_owned();
    file[offset as usize..][..4].copy_from_slice(&becomes.to_le_bytes());
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("altered");
    fs::write(&path, file).unwrap();
    let image = Image::open(&path).unwrap();
    (folder, image)
}

/// All mutants that the plugin must notice, and its message about each.
#[test]
fn mutants_are_caught_for_what_they_lack() {
    if qemu_tests::skip::without_coherence("mutants_are_caught_for_what_they_lack") {
        return;
    }
    let image = kernel(Profile::Release);
    let mut count = 0;
    for mutant in mutants::all() {
        if !mutant.observers.contains(&Observer::Plugin) {
            continue;
        }
        count += 1;
        let expected: &[Missing] = match mutant.name {
            "no-first-dsb" => &[Missing::BarrierAfterClean],
            "no-ic" | "no-ic-loaded" => &[Missing::Invalidate],
            "ic-before-dc" => &[Missing::InvalidateAfterClean],
            "no-second-dsb" => &[Missing::BarrierAfterInvalidate],
            "no-isb" | "no-isb-elsewhere" => &[Missing::Synchronise],
            "no-ic-started" | "ic-before-mmu" => &[Missing::InvalidateAfterStart],
            // The pass has invalidated before the MMU of EL2 was on.
            "no-ic-el2" => &[Missing::InvalidateAfterStart],
            "nmi-in-commit" | "nmi-in-wait" => &[Missing::Mask],
            // The last line of four is cleaned, the first one is invalidated.
            "line-too-large" => &[Missing::Clean, Missing::Invalidate],
            _ => &[Missing::Clean],
        };
        let spoilt = mutant.spoil(&image).unwrap();
        let seen = watch(spoilt.image(), mutant.machine(), Coherence::new()).seen;
        let missing: BTreeSet<_> = seen.violations.iter().map(|found| found.missing).collect();
        let expected: BTreeSet<_> = expected.iter().copied().collect();
        if expected.contains(&Missing::Mask) {
            // The handler that comes in may execute sites that are written and not yet visible.
            assert!(
                missing.is_superset(&expected),
                "{}: {missing:?}",
                mutant.name
            );
            continue;
        }
        assert_eq!(missing, expected, "{}: {:#?}", mutant.name, seen.violations);
    }
    assert!(count >= 14, "only {count} mutants are for the plugin");
}

/// Errors that only the plugin can notice: steps that exist, but affect too little.
#[test]
fn steps_that_reach_too_little_are_caught() {
    if qemu_tests::skip::without_coherence("steps_that_reach_too_little_are_caught") {
        return;
    }
    let image = kernel(Profile::Release);
    for (word, n, becomes, expected) in [
        (DSB_ISH, 0, DSB_ISHST, Missing::BarrierAfterClean),
        (DSB_ISH, 1, DSB_ISHST, Missing::BarrierAfterInvalidate),
        (DSB_ISH, 1, DSB_NSH, Missing::BarrierAfterInvalidate),
        (IC_IALLUIS, 0, IC_IALLU, Missing::InvalidateEverywhere),
    ] {
        let (_folder, image) = altered(&image, word, n, becomes);
        // There are so many patched words that the whole instruction cache is invalidated.
        let seen = watch(&image, Machine::new("cortex-a76").smp(2), Coherence::new()).seen;
        // At the end of the pass. `Alias::close` then completes the invalidation by its own DSB and executes
        // a site without an ISB after it, which is another violation.
        let mut found = seen.violations;
        found.retain(|found| found.when == When::Returned);
        let is_expected = |found: &Violation| found.missing == expected;
        assert!(
            !found.is_empty() && found.iter().all(is_expected),
            "{expected}: {found:#?}"
        );
    }
}

/// Each CPU needs its own ISB: the CPU that lacks it is named.
#[test]
fn missing_isb_is_laid_to_the_right_cpu() {
    if qemu_tests::skip::without_coherence("missing_isb_is_laid_to_the_right_cpu") {
        return;
    }
    let image = kernel(Profile::Release);
    for (name, cpu) in [("no-isb", 0), ("no-isb-elsewhere", 1)] {
        let mutant = mutants::all().iter().find(|mutant| mutant.name == name);
        let spoilt = mutant.unwrap().spoil(&image).unwrap();
        let machine = Machine::new("cortex-a53").smp(2);
        let seen = watch(spoilt.image(), machine, Coherence::new()).seen;
        let returned = |found: &&Violation| found.when == When::Returned;
        let found: Vec<_> = seen.violations.iter().filter(returned).collect();
        assert!(!found.is_empty(), "{name}");
        for found in found {
            let place = found.place.as_deref();
            assert_eq!((found.cpu, found.stored_by), (cpu, 0), "{name}: {found}");
            assert_eq!(found.missing, Missing::Synchronise, "{found}");
            assert!(place.is_some(), "{found}");
            // Through the alias, which is elsewhere.
            assert_ne!(found.stored_at, found.word, "{found}");
        }
    }
}

/// An invalidation by the alias: correct if the cache is indexed physically, otherwise wrong.
#[test]
fn invalidation_by_the_alias_is_told_apart() {
    if qemu_tests::skip::without_coherence("invalidation_by_the_alias_is_told_apart") {
        return;
    }
    let image = kernel(Profile::Release);
    // Before the IC, `bic x11, x11, x6` becomes `add x11, x3, x11`: x3 leads from text to alias.
    let (_folder, image) = altered(&image, 0x8a26_016b, 0, 0x8b0b_006b);
    // A machine where the kernel invalidates by line, judged by CTR_EL0 of itself and of a
    // Cortex-A53, which is VIPT.
    let missing = |ctr| {
        let coherence = Coherence::new().ctr(&[ctr]);
        let seen = watch(&image, Machine::new("cortex-a57"), coherence).seen;
        let mut missing: Vec<_> = seen.violations.iter().map(|found| found.missing).collect();
        missing.dedup();
        missing
    };
    assert_eq!(missing(0x8444_c004), []);
    assert_eq!(missing(0x8444_8004), [Missing::InvalidateByAddress]);
}
