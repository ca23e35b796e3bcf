//! The fuzz targets of the tools, one function each; `linker/alt/tests/fuzz.rs` runs the same functions
//! over the corpus, without a fuzzer.
//!
//! A target takes any bytes. It must neither panic nor ask for much more memory than the input
//! is long; and where the library accepts the input, its parts must agree.

mod finished;
mod hyp;
mod limit;
mod payload;
mod payload_tool;
#[cfg(target_os = "linux")]
mod random;

use std::io;

// For the files of the targets; the tests use the list.
#[allow(unused_imports)]
pub use finished::finished;
#[allow(unused_imports)]
pub use hyp::{input as hyp_input, linked as hyp_linked, map as hyp_map};
#[allow(unused_imports)]
pub use payload::payload;
#[allow(unused_imports)]
pub use payload_tool::payload_tool;

use alt_image::caps::{Caps, ids};
use alt_image::diff::{Memory, Selection, compare};
use alt_image::dump::{Dump, Filter};
use alt_image::image::Image;
use alt_image::names::CapNames;
use alt_image::patching::{Answers, Expectation, Word};
use alt_image::records::{Format, Kind, Records};
use alt_image::rewritten::Rewritten;
use alt_image::shadow_call_stack::ShadowCallStack;
use alt_image::stats::Stats;
use alt_linker::Diagnostic;
use alt_linker::branch_range::{self, Allow, Options, check_inputs};
use alt_linker::namespace::Embedded;
use alt_linker::namespace::Manifest;
use alt_object::inputs::{Input, InputKind};
use alt_runtime::cap::{Cap, CapSet};
use alt_verify::config::Config;
use alt_verify::seal::Seal;
use alt_verify::{Context, not_checked, verify};

/// A target: its name, which is that of its folder in the corpus, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All of them. A new input format gets a function here, a file in `fuzz_targets`, a `[[bin]]`
/// and a folder with seeds.
pub const TARGETS: &[Target] = &[
    ("image", image),
    ("linux", linux),
    ("cpucaps", cpucaps),
    ("ids", ids),
    ("answers", answers),
    ("seal", seal),
    ("section", section),
    ("rules", rules),
    ("manifest", manifest),
    ("namespaces", namespaces),
    ("objects", objects),
    ("reach", reach),
    ("hyp_input", hyp::input),
    ("hyp_linked", hyp::linked),
    ("hyp_map", hyp::map),
    ("scs", scs),
    ("mutate", mutate),
    ("payload", payload::payload),
    ("payload_tool", payload_tool::payload_tool),
    ("finished", finished::finished),
];

/// An ELF file with records of `alt-runtime`, or of either format.
pub fn image(data: &[u8]) {
    whole(data, None);
}

/// An ELF file with records of Linux.
pub fn linux(data: &[u8]) {
    whole(data, Some(Format::Linux));
}

/// A file `cpucaps.toml`.
pub fn cpucaps(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    if let Ok(names) = CapNames::from_linux(text) {
        names.offered("LSE");
    }
    let _ = alt_linker::cpucaps_inc("cpucaps.toml", text);
    if let Ok(mut caps) = Caps::from_toml("cpucaps.toml", text) {
        decide(&mut caps);
    }
}

/// The bytes of the section `.alt_cpucaps`.
pub fn section(data: &[u8]) {
    for mut caps in Caps::from_section(data).unwrap_or_default() {
        decide(&mut caps);
    }
}

/// The manifest of a hypervisor.
pub fn manifest(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    match Manifest::parse("hyp.toml", text) {
        Ok(manifest) => {
            assert!(!manifest.exports.is_empty(), "nothing would be linked");
            for allowed in &manifest.allow {
                assert_eq!(manifest.allowed(&allowed.name), Some(allowed));
            }
            hyp::manifest(text);
        }
        Err(error) => assert!(!error.0.is_empty(), "an error says something"),
    }
}

/// The bytes of the section `.alt_namespaces`.
pub fn namespaces(data: &[u8]) {
    for embedded in Embedded::read(data).unwrap_or_default() {
        assert!(!embedded.name.prefix().contains('.'), "it begins symbols");
    }
}

/// A file for a link: an object, an archive, bitcode.
pub fn objects(data: &[u8]) {
    let inputs = alt_object::inputs::parse("input".into(), data.to_vec());
    for input in inputs.unwrap_or_default() {
        assert!(input.bytes.len() <= data.len(), "it is a part of the file");
    }
}

/// A file with ID registers, for `--ids`.
pub fn ids(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    match ids::read("ids", text) {
        Ok(machines) => {
            assert!(!machines.is_empty(), "a file without machines is an error");
            for machine in machines {
                let _ = machine.to_string();
            }
        }
        Err(error) => assert!(!error.to_string().is_empty(), "an error says something"),
    }
}

/// A file with the results of callbacks, for `--callbacks`.
pub fn answers(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data)
        && let Err(error) = Answers::from_toml(text)
    {
        assert!(!error.to_string().is_empty(), "an error says something");
    }
}

/// A seal in JSON, for `--seal`.
pub fn seal(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    if let Ok(seal) = Seal::from_json(text) {
        let json = serde_json::to_string(&seal).expect("a seal is JSON");
        assert_eq!(Seal::from_json(&json).as_ref(), Ok(&seal));
    }
}

/// A rules file, for `--rules`, of an image that is good.
pub fn rules(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let image = Image::parse(include_bytes!("../../fuzz/corpus/image/good").to_vec());
    let image = image.expect("a good image");
    let Ok(config) = Config::from_toml("rules", text, &image) else {
        return;
    };
    let records = Records::find(&image, None).expect("good tables");
    let names = CapNames::default();
    let context = Context::new(&image, &records, &names).expect("a good image");
    verify(&context.with_config(config));
}

/// An object as an image, which is laid out: `alt dump`, `alt verify`.
fn laid_out(data: &[u8]) {
    let Ok(image) = Image::parse_any(data.to_vec()) else {
        return;
    };
    if image.relocatable().is_none() {
        return;
    }
    for section in image.loaded() {
        assert!(section.range.start < section.range.end, "it is not empty");
        assert!(
            section.file.end <= image.data().len(),
            "it is in the layout"
        );
    }
    let names = CapNames::default();
    let Ok(records) = Records::find(&image, None) else {
        return;
    };
    show(&image, &records, &names);
    if let Ok(context) = Context::new(&image, &records, &names) {
        verify(&context);
        assert!(
            !not_checked(&context).is_empty(),
            "an object is not an image"
        );
    }
}

/// An object, as an input of a link: `alt reach`; and as an image.
pub fn reach(data: &[u8]) {
    laid_out(data);
    let input = Input {
        name: "fuzz.o".into(),
        kind: InputKind::Elf,
        bytes: data.to_vec(),
    };
    let Ok(report) = check_inputs(&[input], &Options::default()) else {
        return;
    };
    let joined = |finding: &&Diagnostic| finding.rule == branch_range::Kind::JoinedTables.name();
    let tables = report.findings.iter().filter(joined).count();
    assert!(report.findings.len() - tables <= report.references + report.groups.len());
    for finding in &report.findings {
        assert!(!finding.to_string().is_empty(), "a finding says something");
        if joined(&finding) {
            continue;
        }
        let reference = finding.reference.as_ref().expect("it is about a reference");
        let allow = format!("{}:{}", finding.rule, reference.symbol);
        assert!(
            allow
                .parse::<Allow>()
                .is_ok_and(|allow| allow.covers(finding))
        );
    }
}

/// An image with unwind tables: `alt scs`.
pub fn scs(data: &[u8]) {
    let Ok(image) = Image::parse(data.to_vec()) else {
        return;
    };
    let stack = match ShadowCallStack::new(&image, &[], &[]) {
        Ok(stack) => stack,
        Err(error) => {
            assert!(!error.to_string().is_empty(), "an error says something");
            return;
        }
    };
    serde_json::to_writer(io::sink(), &stack.sites).expect("sites are JSON");
    let Ok(written) = stack.write(&image) else {
        return;
    };
    let after = Image::parse(written).expect("what changes is in no header");
    for site in &stack.sites {
        assert_eq!(image.word(site.address), Some(site.before));
        assert_eq!(after.word(site.address), Some(site.after));
    }
}

/// An image that is good, changed a few times: `cargo xtask mutate`.
pub fn mutate(data: &[u8]) {
    const COUNT: usize = 8;
    let (names, config) = (CapNames::default(), Config::default());
    let run = (COUNT, data.len() as u64);
    if let Ok(figures) =
        alt_mutate::mutate(data.to_vec(), &names, names_of_all(), &config, run, &|_| ())
    {
        let known = figures.by_rules + figures.by_seal + figures.harmless;
        assert_eq!(known + figures.missed.len(), COUNT, "each is judged");
    }
}

/// Detects the cpucaps. Undecided ones count as present, as with `--assume`.
fn decide(caps: &mut Caps) {
    let undecided: Vec<_> = caps.undecided().iter().map(|cap| cap.name).collect();
    for name in undecided {
        assert_eq!(caps.assume(name, true), Ok(()), "{name} was undecided");
    }
    assert_eq!(caps.undecided(), []);
    let max = ids::builtin("max").expect("a CPU of QEMU's");
    let _ = caps.detect(&max.ids, "arm64.nolse cpu1.id_aa64isar0.atomic=0");
}

/// All that `alt` does with an image.
fn whole(data: &[u8], format: Option<Format>) {
    let Ok(image) = Image::parse(data.to_vec()) else {
        return;
    };
    let Ok(records) = Records::find(&image, format) else {
        return;
    };
    let names = CapNames::default();
    show(&image, &records, &names);
    let seal = Seal::of(&image, &records);
    if let Ok(context) = Context::new(&image, &records, &names) {
        let changed = verify(&context.sealed(Some(&seal)))
            .into_iter()
            .find(|finding| finding.rule.starts_with("sealed-"));
        assert_eq!(changed, None, "an image is as it was sealed");
    }

    let even = (0..64).map(|number| Cap::new(2 * number, true)).collect();
    for present in [CapSet::EMPTY, CapSet::ALL, even] {
        for answers in [Answers::none(), nops(&image, &records)] {
            apply(&image, &records, &present, &answers);
        }
    }
}

/// `alt dump` and `alt stats`, for people and for programs.
fn show(image: &Image, records: &Records, names: &CapNames) {
    let json = "numbers and texts are JSON";
    if let Ok(dump) = Dump::new(image, records, names, &Filter::default()) {
        dump.write_text(&mut io::sink(), 0)
            .expect("a sink takes all");
        serde_json::to_writer(io::sink(), &dump).expect(json);
    }
    let stats = Stats::new(image, records, names);
    stats.write_text(&mut io::sink()).expect("a sink takes all");
    serde_json::to_writer(io::sink(), &stats).expect(json);
}

/// Answers every callback by NOPs.
fn nops(image: &Image, records: &Records) -> Answers {
    let mut answers = Answers::none();
    let nop = Word {
        value: 0xd503_201f,
        keep: 0,
    };
    for record in records.list() {
        if let Kind::Callback { address, .. } = record.kind {
            let name = alt_image::patching::callback_name(image, address);
            let words = usize::try_from(record.site_len / 4).unwrap_or_default();
            answers.set(name, vec![nop; words]);
        }
    }
    answers
}

/// Patches, and compares the written words with the announced ones and with memory.
fn apply(image: &Image, records: &Records, present: &CapSet, answers: &Answers) {
    let table = names_of_all();
    let expected = match Expectation::new(image, records, table, present, answers) {
        Ok(expected) => expected,
        Err(error) => {
            assert!(!error.to_string().is_empty(), "an error says something");
            return;
        }
    };
    let Ok(patched) = expected.write(image) else {
        return;
    };
    let after = Image::parse(patched.clone()).expect("patching changes no header");
    for change in &expected.changes {
        assert_eq!(image.word(change.address), Some(change.before));
        assert_eq!(after.word(change.address), Some(change.after));
    }
    for section in image.executable() {
        let memory = Memory {
            base: section.range.start,
            bytes: &patched[section.file.clone()],
        };
        let (all, nothing) = (Selection::default(), Rewritten::default());
        if let Ok(comparison) = compare(image, records, &expected, &nothing, &[memory], &all) {
            assert_eq!(comparison.words, 0, "{}", section.name);
        }
    }
}

/// A table of all numbers, made once: it is leaked.
fn names_of_all() -> &'static alt_runtime::cap::CapTable {
    static TABLE: std::sync::OnceLock<&alt_runtime::cap::CapTable> = std::sync::OnceLock::new();
    TABLE.get_or_init(|| CapNames::default().table())
}
