//! A hypervisor that never uses x18: compiled with a `core` that keeps to it, linked with
//! `x18 = "forbidden"`, proved by `alt verify`, and booted.

use alt_image::names::CapNames;
use alt_image::records::Records;
use alt_verify::config::Config;
use alt_verify::{Context, Diagnostic, verify};
use object::{Object, ObjectSection};
use qemu_tests::facts::{self, Fact, Hyp};
use qemu_tests::{Image, Launch, Machine, Profile, Qemu, Status, disasm, guest, skip};

const TEXTS: [&str; 2] = [".hyp.nvhe.text", ".hyp.vhe.text"];
/// `mov x29, xzr`, which `enter` has once, and `mov x18, xzr`, as GNU as assembles them.
const END_OF_FRAMES: u32 = 0xaa1f_03fd;
const USES_X18: u32 = 0xaa1f_03f2;

#[test]
fn hypervisor_without_x18_is_proved_and_runs() {
    let test = "hypervisor_without_x18_is_proved_and_runs";
    if skip::without_guests(test) {
        return;
    }
    if !test_support::core_source_is_there() {
        let reason = "the sources of `core` are missing; `rustup component add rust-src` adds them";
        return skip::because(&format!("{test}: {reason}"));
    }
    let path = guest::build_with("kernel-demo", Profile::Release, "fixed-x18").unwrap();
    let image = Image::open(&path).unwrap();

    assert_eq!(findings(image.file()), []);
    // By another disassembler, which must find it where it exists.
    assert_eq!(users_of_x18(&image), 0);
    let usual = Image::open(&guest::build("kernel-demo", Profile::Release).unwrap()).unwrap();
    assert_ne!(users_of_x18(&usual), 0);
    assert_eq!(findings(usual.file()), []);

    for text in TEXTS {
        let found = findings(&with_a_use_of_x18(&image, text));
        let [found] = &found[..] else {
            panic!("{text}: {found:#?}");
        };
        assert_eq!(found.rule, "region-register", "{found:?}");
        let enter = text.replace('.', "_").replace("_text", "_enter");
        let symbol = found.symbol().unwrap_or("");
        assert!(symbol.starts_with(&format!("_{enter}")), "{found:?}");
    }

    for cpu in ["cortex-a53", "cortex-a76", "max"] {
        let machine = Machine::new(cpu).options("virt,gic-version=3,virtualization=on");
        let launch = Launch::new(&image, machine.smp(2));
        let run = launch.run(&Qemu::find().unwrap()).unwrap();
        assert_eq!(run.outcome.status, Status::Ok, "{cpu}: {:#?}", run.log);
        // With a pattern in x18, and with a shadow call stack by it.
        let said = |wanted| facts::read(&run.log).any(|fact| fact == Fact::Hyp(wanted));
        assert!(said(Hyp::RoundTrips(100_000)), "{cpu}: {:#?}", run.log);
        assert!(said(Hyp::ShadowCallStack(6500)), "{cpu}: {:#?}", run.log);
    }
}

/// The findings of `alt verify --rules kernel-demo/alt-rules.toml`, without those of ADRPs at the
/// end of a page, which depend on chance.
fn findings(file: &[u8]) -> Vec<Diagnostic> {
    let image = alt_image::image::Image::parse(file.to_owned()).unwrap();
    let records = Records::find(&image, None).unwrap();
    let names = CapNames::default();
    let rules = include_str!("../../kernel-demo/alt-rules.toml");
    let rules = Config::from_toml("alt-rules.toml", rules, &image).unwrap();
    let context = Context::new(&image, &records, &names).unwrap();
    let mut findings = verify(&context.with_config(rules));
    findings.retain(|finding| finding.rule != "adrp-at-page-end");
    findings
}

/// Number of instructions of the hypervisor that use x18.
fn users_of_x18(image: &Image) -> usize {
    let users = TEXTS.iter().flat_map(|name| {
        let section = image.section(name).unwrap();
        let (words, _) = section.bytes.as_chunks::<4>();
        let words = words.iter().map(|word| u32::from_le_bytes(*word));
        words.zip((section.range.start..).step_by(4))
    });
    let text = users.map(|(word, address)| disasm::instruction(word, address));
    let is_user = |text: &String| {
        text.split(|c: char| !c.is_alphanumeric())
            .any(|word| word == "x18" || word == "w18")
    };
    text.filter(is_user).count()
}

/// The file with one instruction of the hypervisor changed into one that writes x18.
fn with_a_use_of_x18(image: &Image, text: &str) -> Vec<u8> {
    let elf = object::File::parse(image.file()).unwrap();
    let section = elf.section_by_name(text).unwrap();
    let (offset, size) = section.file_range().unwrap();
    let mut file = image.file().to_owned();
    let (words, _) = file[offset as usize..][..size as usize].as_chunks_mut::<4>();
    let mut found = words
        .iter_mut()
        .filter(|word| **word == END_OF_FRAMES.to_le_bytes());
    *found.next().unwrap() = USES_X18.to_le_bytes();
    assert!(found.next().is_none(), "{text}");
    file
}
