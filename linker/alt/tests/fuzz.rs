//! The fuzz targets over their corpus, and over seeded mutations of it, without a fuzzer.
//!
//! `cargo xtask fuzz` searches on; an input with which it found something goes into
//! `linker/fuzz/corpus` and is tried here from then on.

use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{fs, panic};

use alt_image::caps::{Caps, ids};
use alt_image::image::Image;
use alt_image::names::CapNames;
use alt_image::patching::{Answers, Expectation};
use alt_image::records::{Format, Records};
use alt_image::shadow_call_stack::ShadowCallStack;
use alt_linker::branch_range::{Options, check_inputs};
use alt_linker::namespace::Embedded;
use alt_linker::namespace::{Manifest, Name};
use alt_linker::partial_link::PartialLink;
use alt_object::inputs::{self, Input, InputKind};
use alt_runtime::cap::CapSet;
use alt_runtime::finished::FinishedTable;
use alt_runtime::livepatch::Payload;
use alt_verify::config::Config;
use alt_verify::seal::Seal;
use alt_verify::{Context, verify};
use fuzz_targets::{TARGETS, Target};

/// The inputs of a target: name and bytes, by name.
fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let dir = dir.join(target);
    let entries = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let data = fs::read(&path).unwrap();
        (path, data)
    };
    files.into_iter().map(read).collect()
}

#[test]
fn each_target_has_seeds_and_passes_them() {
    for (name, run) in TARGETS {
        let corpus = corpus(name);
        assert!(!corpus.is_empty(), "{name} has no seeds");
        for (path, data) in corpus {
            println!("{}", path.display());
            run(&data);
        }
    }
}

/// A seed that the code refuses at the door leads no further.
#[test]
fn seeds_are_accepted() {
    type Accepts = (&'static str, fn(&[u8]) -> bool);
    let accepts: &[Accepts] = &[
        ("image", |data| expectation(data, None)),
        ("linux", |data| expectation(data, Some(Format::Linux))),
        ("cpucaps", |data| Caps::from_toml("", text(data)).is_ok()),
        ("ids", |data| ids::read("", text(data)).is_ok()),
        ("answers", |data| Answers::from_toml(text(data)).is_ok()),
        ("seal", |data| Seal::from_json(text(data)).is_ok()),
        ("rules", |data| {
            let good = include_bytes!("../../fuzz/corpus/image/good").to_vec();
            Config::from_toml("", text(data), &Image::parse(good).unwrap()).is_ok()
        }),
        ("section", |data| Caps::from_section(data).is_ok()),
        ("manifest", |data| Manifest::parse("", text(data)).is_ok()),
        ("namespaces", |data| {
            Embedded::read(data).is_ok_and(|all| !all.is_empty())
        }),
        ("objects", |data| {
            inputs::parse("input".into(), data.to_vec()).is_ok_and(|all| all.len() > 1)
        }),
        ("reach", finds),
        ("hyp_input", |data| links(data, HYP_LINKED, HYP_MAP)),
        ("hyp_linked", |data| links(HYP_INPUT, data, HYP_MAP)),
        ("hyp_map", |data| links(HYP_INPUT, HYP_LINKED, text(data))),
        ("scs", |data| {
            let image = Image::parse(data.to_vec()).unwrap();
            ShadowCallStack::new(&image, &[], &[]).is_ok_and(|stack| !stack.sites.is_empty())
        }),
        ("mutate", |data| {
            let (names, config) = (CapNames::default(), Config::default());
            alt_mutate::mutate(
                data.to_vec(),
                &names,
                names.table(),
                &config,
                (1, 1),
                &|_| (),
            )
            .is_ok()
        }),
        ("payload", |data| Payload::parse(data).is_ok()),
        ("payload_tool", |data| Payload::parse(data).is_ok()),
        ("finished", |data| {
            let words = data.as_chunks::<4>().0.iter();
            let words: Vec<u32> = words.map(|word| u32::from_le_bytes(*word)).collect();
            FinishedTable::new(0xffff_8000_0051_0000, &words).is_ok()
        }),
    ];
    for (name, accepted) in accepts {
        let corpus = corpus(name);
        let good = corpus.iter().filter(|(_, data)| accepted(data)).count();
        assert!(good > 0, "{name}: no seed is accepted");
    }
}

fn text(data: &[u8]) -> &str {
    str::from_utf8(data).unwrap_or_default()
}

const HYP_INPUT: &[u8] = include_bytes!("../../fuzz/corpus/hyp_input/good.o");
const HYP_LINKED: &[u8] = include_bytes!("../../fuzz/corpus/hyp_linked/good.o");
const HYP_MAP: &str = include_str!("../../fuzz/corpus/hyp_map/good");

/// Whether a hypervisor is linked, and has the manifest in it.
fn links(input: &[u8], linked: &[u8], map: &str) -> bool {
    let manifest = include_str!("../../fuzz/corpus/manifest/hyp.toml");
    let name = Name::new("hyp").unwrap();
    let inputs = [Input {
        name: String::new(),
        kind: InputKind::Elf,
        bytes: input.to_vec(),
    }];
    let work = PartialLink::new(&name, ("", manifest), &inputs).unwrap();
    let object = work.finish(linked, map);
    object.is_ok_and(|object| {
        let embedded = format!("name = \"hyp\"\n{manifest}\0");
        object
            .windows(embedded.len())
            .any(|part| part == embedded.as_bytes())
    })
}

/// Whether the object has a branch that may not reach.
fn finds(data: &[u8]) -> bool {
    let input = Input {
        name: String::new(),
        kind: InputKind::Elf,
        bytes: data.to_vec(),
    };
    check_inputs(&[input], &Options::default()).is_ok_and(|report| !report.findings.is_empty())
}

/// Whether patching changes something.
fn expectation(data: &[u8], format: Option<Format>) -> bool {
    let Ok(image) = Image::parse(data.to_vec()) else {
        return false;
    };
    let Ok(records) = Records::find(&image, format) else {
        return false;
    };
    let table = CapNames::default().table();
    let all = &CapSet::ALL;
    Expectation::new(&image, &records, table, all, &Answers::none())
        .is_ok_and(|expected| !expected.changes.is_empty())
}

/// Each byte of headers, tables, records and text in turn; nothing panics, and what is accepted
/// agrees with itself.
#[test]
fn every_byte_of_an_image_wrong() {
    let values: [fn(u8) -> u8; 3] = [|_| 0xff, |byte| byte ^ 0x80, |byte| byte ^ 1];
    for (name, run) in TARGETS
        .iter()
        .filter(|target| ["image", "linux"].contains(&target.0))
    {
        let corpus = corpus(name);
        let good = corpus.iter().find(|(path, _)| path.ends_with("good"));
        let (_, file) = good.expect("a seed is named so");
        for at in 0..file.len() {
            for value in values {
                let mut damaged = file.clone();
                damaged[at] = value(damaged[at]);
                println!("{name}: byte {at:#x} is {:#x}", damaged[at]);
                run(&damaged);
            }
        }
    }
}

/// Each byte of the manifests of an image: what cannot be read is a finding, and nothing is found
/// in the others.
#[test]
fn every_byte_of_a_manifest_wrong() {
    let corpus = corpus("image");
    let seed = corpus.iter().find(|(path, _)| path.ends_with("namespaces"));
    let (_, file) = seed.expect("a seed is named so");
    let image = Image::parse(file.clone()).unwrap();
    let section = image.section(".alt_namespaces").unwrap();
    let found = |file: Vec<u8>| {
        let image = Image::parse(file).unwrap();
        let records = Records::find(&image, None).unwrap();
        let names = CapNames::default();
        verify(&Context::new(&image, &records, &names).unwrap())
    };
    assert_eq!(found(file.clone()), []);
    for at in section.file.clone() {
        for value in [0xff, 0, file[at] ^ 1] {
            let mut damaged = file.clone();
            damaged[at] = value;
            let findings = found(damaged);
            if value == 0xff {
                let mut manifests = findings.iter().filter(|f| f.rule == "namespace-manifest");
                assert!(manifests.next().is_some(), "byte {at:#x}: {findings:#?}");
            }
        }
    }
}

/// Half a second for each target, or a number of inputs, whichever comes first.
#[test]
fn mutations_of_seeds_pass() {
    for (index, target) in TARGETS.iter().enumerate() {
        mutations(target, 0x9e37_79b9_7f4a_7c15 ^ index as u64);
    }
}

fn mutations((name, run): &Target, seed: u64) {
    let seeds = corpus(name);
    let mut random = Random(seed);
    let until = Instant::now() + Duration::from_millis(500);
    for round in 0..20_000 {
        if Instant::now() > until {
            break;
        }
        let (path, data) = &seeds[random.below(seeds.len())];
        let mut data = data.clone();
        for _ in 0..=random.below(4) {
            change(&mut data, &mut random);
        }
        let result = panic::catch_unwind(|| run(&data));
        if result.is_err() {
            let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}"));
            fs::write(&file, &data).unwrap();
            panic!(
                "{name}: mutation {round}, of {}, panics; the input is in {}",
                path.display(),
                file.display()
            );
        }
    }
}

/// One of the changes that matter to a reader of numbers, lengths and text.
fn change(data: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(data.len() + 1);
    match random.below(6) {
        0 => data.truncate(at),
        1 => data.insert(at, random.next() as u8),
        2 if at < data.len() => data[at] ^= 1 << random.below(8),
        3 if at < data.len() => data[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
        4 if at + 8 <= data.len() => {
            let value = [0, 1, u64::MAX, 1 << 63, 1 << 32, 1 << 60][random.below(6)];
            data[at..at + 8].copy_from_slice(&value.wrapping_add(random.next() % 3).to_le_bytes());
        }
        _ => {
            let from = random.below(data.len() + 1);
            let part = data[from.min(at)..from.max(at)].to_vec();
            let to = random.below(data.len() + 1);
            data.splice(to..to, part.into_iter().take(64));
        }
    }
}

/// Xorshift64* (Vigna 2016): the same inputs on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}
