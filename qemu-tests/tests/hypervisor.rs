//! kernel-demo as the host of a hypervisor: its log and its memory, compared with the image.

use std::collections::BTreeSet;

use qemu_tests::facts::{self, Fact, Hyp};
use qemu_tests::sites::{self, SiteKind};
use qemu_tests::{
    Freed, Image, Launch, Machine, Profile, Qemu, Run, Status, compare, disasm, guest, skip,
};

/// Addresses of EL2 are those of memory below this bit, and the tag above.
const TAG_BIT: u32 = 39;

/// A CPU, and the variant that fits it by its manual: VHE is of Armv8.1.
const CPUS: [(&str, &str, &str); 3] = [
    ("cortex-a53", "nvhe", "vhe"),
    ("cortex-a76", "vhe", "nvhe"),
    ("max", "vhe", "nvhe"),
];

fn image(profile: Profile) -> Image {
    Image::open(&guest::build("kernel-demo", profile).unwrap()).unwrap()
}

fn el2(cpu: &str) -> Machine {
    Machine::new(cpu).options("virt,gic-version=3,virtualization=on")
}

#[track_caller]
fn run(image: &Image, machine: Machine, line: &str) -> Run {
    let machine = machine.args(["-append", line]);
    let run = Launch::new(image, machine)
        .run(&Qemu::find().unwrap())
        .unwrap();
    assert_eq!(run.outcome.status, Status::Ok, "{:#?}", run.log);
    run
}

fn said(run: &Run) -> Vec<Hyp<'_>> {
    facts::read(&run.log)
        .filter_map(|fact| match fact {
            Fact::Hyp(hyp) => Some(hyp),
            _ => None,
        })
        .collect()
}

/// Name, addresses of its text (at EL2, in memory), and tag of the variant in use.
#[track_caller]
fn variant<'a>(said: &[Hyp<'a>]) -> (&'a str, u64, u64, u64) {
    let found = said.iter().find_map(|hyp| match *hyp {
        Hyp::Variant {
            name,
            va,
            pa,
            tag,
            e2h,
        } => {
            assert_eq!(e2h, name == "vhe");
            Some((name, va, pa, tag))
        }
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no variant: {said:?}"))
}

/// The numbers of the cpucaps that the kernel has found.
fn present(run: &Run) -> BTreeSet<u16> {
    facts::read(&run.log)
        .filter_map(|fact| match fact {
            Fact::Cap(cap) if cap.present => Some(cap.number),
            _ => None,
        })
        .collect()
}

#[test]
fn every_cpu_runs_its_variant() {
    if skip::without_guests("every_cpu_runs_its_variant") {
        return;
    }
    let image = image(Profile::Release);
    for (cpu, own, other) in CPUS {
        for smp in [1, 4] {
            let run = run(&image, el2(cpu).smp(smp), "");
            let said = said(&run);
            let (name, va, pa, tag) = variant(&said);
            assert_eq!(name, own, "{cpu}");
            assert_eq!(va, pa | tag << TAG_BIT, "{cpu}");
            let text = image.section(&format!(".hyp.{own}.text")).unwrap();
            assert_eq!(pa, text.range.start, "{cpu}");
            assert!(said.contains(&Hyp::RoundTrips(100_000)), "{said:?}");
            assert_is_patched(&image, &run, own);
            assert_pointers(&image, &run, own, tag);
            assert_is_gone(&image, &run, &[other]);
        }
    }
}

/// The words of the variant in use fit the cpucaps, and no word outside of its sites has changed.
#[track_caller]
fn assert_is_patched(image: &Image, run: &Run, name: &str) {
    let text = &image.section(&format!(".hyp.{name}.text")).unwrap().range;
    let caps = present(run);
    let records = sites::read(image).unwrap();
    let all: Vec<_> = sites::sites(&records)
        .into_iter()
        .filter(|site| text.contains(&site.address))
        .collect();
    let winners = all.iter().filter(|site| site.winner(&caps).is_some());
    let counted = Hyp::Sites {
        sites: all.len() as u32,
        patched: winners.count() as u32,
    };
    let said = said(run);
    assert!(said.contains(&counted), "{counted:?}: {said:?}");
    let kinds = |wanted: fn(&SiteKind) -> bool| {
        all.iter()
            .filter_map(|site| site.winner(&caps))
            .filter(|record| wanted(&record.kind))
            .count()
    };
    assert!(kinds(|kind| matches!(kind, SiteKind::Branch { .. })) >= 2);
    assert!(kinds(|kind| matches!(kind, SiteKind::Callback { .. })) >= 4);

    let wrong = compare::wrong_sites(&all, &caps, &run.before, &run.after).unwrap();
    assert!(wrong.is_empty(), "{wrong:x?}");
    let outside = compare::outside_sites(image, &run.before, &run.after, &records).unwrap();
    let mut inside = outside
        .iter()
        .filter(|change| text.contains(&change.address));
    assert_eq!(inside.next(), None);

    // The counter: one instruction with LSE, and a loop without.
    let adds = all.iter().find(|site| {
        let first = run.before.word(site.address).unwrap();
        disasm::instruction(first, site.address).starts_with("ldxr")
    });
    let adds = adds.expect("the counter has a site").address;
    let first = disasm::instruction(run.after.word(adds).unwrap(), adds);
    let has_lse = facts::read(&run.log)
        .any(|fact| matches!(fact, Fact::Cap(cap) if cap.name == "LSE" && cap.present));
    let mnemonic = if has_lse { "ldadd" } else { "ldxr" };
    assert!(first.starts_with(mnemonic), "{first}");
}

/// The list of pointers, read here, names words that were the kernel's addresses in the image and
/// are the hypervisor's in memory.
#[track_caller]
fn assert_pointers(image: &Image, run: &Run, name: &str, tag: u64) {
    let start = image
        .symbol(&format!("__hyp_{name}_pointers_start"))
        .unwrap();
    let end = image.symbol(&format!("__hyp_{name}_pointers_end")).unwrap();
    let count = (end - start) / 4;
    assert!(said(run).contains(&Hyp::Pointers(count as u32)));
    for entry in (0..count).map(|index| start + 4 * index) {
        let offset = run.before.word(entry).unwrap() as i32;
        let at = entry.wrapping_add_signed(offset.into());
        let value = |memory: &qemu_tests::Memory| {
            let bytes = memory.bytes(at, 8).unwrap();
            u64::from_le_bytes(bytes.try_into().unwrap())
        };
        let (before, after) = (value(&run.before), value(&run.after));
        assert_eq!(before >> TAG_BIT, 0);
        assert_eq!(after, before | tag << TAG_BIT, "at {at:#x}");
    }
}

/// The memory of these variants is overwritten.
#[track_caller]
fn assert_is_gone(image: &Image, run: &Run, names: &[&str]) {
    let facts: Vec<_> = facts::read(&run.log).collect();
    let gone = Freed::read(image, &facts);
    assert_eq!(gone.left(&run.after).unwrap(), None);
    for name in names {
        let text = image.section(&format!(".hyp.{name}.text")).unwrap();
        assert!(gone.holds(text.range.start), "{name}");
        let bytes: u64 = ["text", "rodata", "data", "bss"]
            .iter()
            .filter_map(|part| image.section(&format!(".hyp.{name}.{part}")))
            .map(|section| section.range.end - section.range.start)
            .sum();
        let bytes = bytes as u32;
        let variant = *name;
        assert!(said(run).contains(&Hyp::Freed { variant, bytes }));
    }
}

#[test]
fn tag_is_where_the_command_line_has_it() {
    if skip::without_guests("tag_is_where_the_command_line_has_it") {
        return;
    }
    let image = image(Profile::Release);
    for (cpu, own, _) in CPUS {
        for tag in [1, 0x55, 0xff] {
            let run = run(&image, el2(cpu), &format!("hyp.tag={tag}"));
            let (name, va, pa, said) = variant(&said(&run));
            assert_eq!((name, said), (own, tag));
            assert_eq!(va, pa | tag << TAG_BIT);
            assert_vectors(&image, &run, own, tag);
        }
    }
}

/// The vector of a call goes to `enter` by its address at EL2, in three parts: as GNU as has MOVZ
/// and MOVK of x0, and `br x0`.
#[track_caller]
fn assert_vectors(image: &Image, run: &Run, name: &str, tag: u64) {
    let vectors = image.symbol(&format!("__hyp_{name}_vectors")).unwrap();
    let enter = image.symbol(&format!("__hyp_{name}_enter")).unwrap() | tag << TAG_BIT;
    let part = |number: u32| ((enter >> (16 * number)) as u32 & 0xffff) << 5;
    // From a lower exception level in AArch64 state, synchronous: the ninth vector.
    let words = run.after.words(vectors + 0x400 + 4, 4).unwrap();
    let expected = [
        0xd280_0000 | part(0),
        0xf2a0_0000 | part(1),
        0xf2c0_0000 | part(2),
        0xd61f_0000,
    ];
    assert_eq!(words, expected, "{words:x?}");
}

/// A tag that does not fit is refused; the kernel takes another.
#[test]
fn tag_that_does_not_fit_is_ignored() {
    if skip::without_guests("tag_that_does_not_fit_is_ignored") {
        return;
    }
    let image = image(Profile::Release);
    for line in ["hyp.tag=0", "hyp.tag=256", "hyp.tag=x", "hyp.tag="] {
        let run = run(&image, el2("cortex-a53"), line);
        let (.., tag) = variant(&said(&run));
        assert!((1..256).contains(&tag), "{line}: {tag:#x}");
    }
}

/// Chosen anew at each boot: that five are equal has a chance of 1 in 255^4.
#[test]
fn tag_is_random() {
    if skip::without_guests("tag_is_random") {
        return;
    }
    let image = image(Profile::Release);
    let tags: BTreeSet<_> = (0..5)
        .map(|_| variant(&said(&run(&image, el2("max"), ""))).3)
        .collect();
    assert!(tags.len() > 1, "{tags:x?}");
}

/// A CPU with VHE also runs the other variant: an override hides VHE.
#[test]
fn cpu_with_vhe_runs_the_other_variant_too() {
    if skip::without_guests("cpu_with_vhe_runs_the_other_variant_too") {
        return;
    }
    let image = image(Profile::Release);
    for cpu in ["cortex-a76", "max"] {
        let run = run(&image, el2(cpu).smp(4), "id_aa64mmfr1.vh=0");
        let said = said(&run);
        let (name, .., tag) = variant(&said);
        assert_eq!(name, "nvhe", "{cpu}");
        assert_is_patched(&image, &run, "nvhe");
        assert_pointers(&image, &run, "nvhe", tag);
        assert_is_gone(&image, &run, &["vhe"]);
    }
}

/// Without EL2, the kernel frees both variants.
#[test]
fn entered_at_el1_there_is_none() {
    if skip::without_guests("entered_at_el1_there_is_none") {
        return;
    }
    let image = image(Profile::Release);
    for (cpu, own, other) in CPUS {
        let run = run(&image, Machine::new(cpu), "");
        let said = said(&run);
        assert!(said.contains(&Hyp::None("(entered at EL1)")), "{said:?}");
        assert_is_gone(&image, &run, &[own, other]);
    }
}

/// The place of a panic is that of the access out of bounds, in the source.
#[test]
fn panic_names_its_line() {
    if skip::without_guests("panic_names_its_line") {
        return;
    }
    let image = image(Profile::Release);
    for (cpu, ..) in CPUS {
        let run = run(&image, el2(cpu), "");
        let line = run.log.iter().find_map(|line| {
            let text = line.message.strip_prefix("hyp a panic comes back: line ")?;
            text.parse::<usize>().ok()
        });
        let source = include_str!("../../kernel-demo/hyp/src/image/services/state.rs");
        let line = line.and_then(|line| source.lines().nth(line - 1));
        assert_eq!(line.map(str::trim), Some("ARRAY[index as usize]"), "{cpu}");
    }
}

/// As in every other profile: the hypervisor is built in the kernel's.
#[test]
fn every_profile_has_its_hypervisor() {
    if skip::without_guests("every_profile_has_its_hypervisor") {
        return;
    }
    for profile in Profile::ALL {
        let image = image(profile);
        for (cpu, own, other) in CPUS {
            let run = run(&image, el2(cpu), "");
            let said = said(&run);
            let (name, .., tag) = variant(&said);
            assert_eq!(name, own, "{cpu} {profile}");
            assert_is_patched(&image, &run, own);
            assert_pointers(&image, &run, own, tag);
            assert_is_gone(&image, &run, &[other]);
        }
    }
}
