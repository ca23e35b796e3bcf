//! Records of outline atomics in a linked image. The oracle is the linker: the same objects, with the
//! records that `alt-ld` adds before the link, give the same image.

use std::fs;
use std::path::{Path, PathBuf};

use alt_finish::atomics::{self, AtomicsError};
use alt_image::image::Image;
use alt_image::records::Records;
use alt_linker::atomics::{ROOM_SYMBOL, Reason, prepare};
use tempfile::TempDir;
use test_support::{Linker, TARGET, rustc, skip, with_outlined_calls, workspace};

/// The number of calls of the fixture that become sites.
const CALLS: u64 = 5;

struct Fixture {
    dir: TempDir,
    objects: Vec<PathBuf>,
}

impl Fixture {
    fn new(test: &str) -> Option<Self> {
        Self::with(test, |text| text)
    }

    /// With another text of the helpers.
    fn with(test: &str, change: impl Fn(String) -> String) -> Option<Self> {
        if skip::without_target(test) {
            return None;
        }
        let dir = TempDir::new().unwrap();
        let folder = workspace().join("linker/finish/tests/atomics/fixtures");
        let objects = ["calls", "helpers"].map(|name| {
            let mut text = fs::read_to_string(folder.join(format!("{name}.s"))).unwrap();
            text = match name {
                "helpers" => change(text),
                _ => with_outlined_calls(&text),
            };
            assemble(dir.path(), name, &text)
        });
        alt_linker::write_scripts(dir.path()).unwrap();
        Some(Self {
            objects: objects.into(),
            dir,
        })
    }

    fn link(&self, objects: &[PathBuf], linker: Linker, arguments: &[&str]) -> Vec<u8> {
        self.link_by(".text : { *(.text .text.*) }", objects, linker, arguments)
    }

    /// By a script with these lines for the text.
    fn link_by(
        &self,
        text: &str,
        objects: &[PathBuf],
        linker: Linker,
        arguments: &[&str],
    ) -> Vec<u8> {
        let image = self.dir.path().join("image");
        let script = self.dir.path().join("kernel.ld");
        let text = format!(
            "ENTRY(_start)\nSECTIONS {{\n . = 0x40200000;\n .rodata : {{ *(.rodata*) }}\n \
             INCLUDE alternatives-init.x\n {text}\n /DISCARD/ : {{ *(.eh_frame*) }}\n}}\n"
        );
        fs::write(&script, text).unwrap();
        let mut command = linker.command();
        command.args(arguments).arg("--gc-sections");
        command
            .arg("-L")
            .arg(self.dir.path())
            .arg("-T")
            .arg(&script);
        let output = command.arg("-o").arg(&image).args(objects).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        fs::read(image).unwrap()
    }

    /// The image of a linker that knows nothing of atomics.
    fn plain(&self, linker: Linker, room: u64) -> Image {
        let room = format!("--defsym={ROOM_SYMBOL}={room}");
        let bytes = self.link(&self.objects, linker, &["--emit-relocs", &room]);
        Image::parse(bytes).unwrap()
    }
}

fn assemble(dir: &Path, name: &str, text: &str) -> PathBuf {
    let source = dir.join(format!("{name}.rs"));
    let object = dir.join(format!("{name}.o"));
    let rust = "#![no_std]\n#![no_main]\ncore::arch::global_asm!(include_str!(\"NAME.s\"), options(raw));\n";
    fs::write(&source, rust.replace("NAME", name)).unwrap();
    fs::write(dir.join(format!("{name}.s")), text).unwrap();
    let mut rustc = rustc();
    rustc.args(["--edition=2024", "--crate-type=lib", "--emit=obj"]);
    rustc.args(["--target", TARGET, "-o"]);
    let output = rustc.args([&object, &source]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    object
}

/// What is loaded, by section.
fn loaded(image: &Image) -> Vec<(String, u64, Vec<u8>)> {
    let sections = image.loaded();
    let sections = sections.map(|section| {
        let bytes = image.contents(section).to_vec();
        (section.name.clone(), section.range.start, bytes)
    });
    sections.collect()
}

/// The relocations that are kept, without symbols: a linker names others.
fn kept(image: &Image) -> Vec<(u64, u32, u64)> {
    let kept = image.relocations().iter();
    kept.map(|kept| (kept.at, kept.kind, kept.target)).collect()
}

#[test]
fn the_image_is_that_of_a_link_by_alt_ld() {
    let test = "the_image_is_that_of_a_link_by_alt_ld";
    let Some(fixture) = Fixture::new(test) else {
        return;
    };
    let prepared = prepare(&fixture.objects, &fixture.dir.path().join("new")).unwrap();
    let rewritten: Vec<_> = fixture
        .objects
        .iter()
        .map(|object| {
            let mut replaced = prepared.replaced.iter();
            let new = replaced.find(|(old, _)| old == object);
            new.map_or_else(|| object.clone(), |(_, new)| new.clone())
        })
        .collect();
    assert_eq!(prepared.report.sites as u64, CALLS);
    for linker in Linker::installed(test) {
        let expected = fixture.link(&rewritten, *linker, &["--emit-relocs"]);
        let expected = Image::parse(expected).unwrap();
        let plain = fixture.plain(*linker, CALLS);
        let added = atomics::add(&plain, "image").unwrap();
        assert_eq!((added.report.sites as u64, added.before), (CALLS, 0));
        let data = added.data.unwrap();
        let got = Image::parse(data.clone()).unwrap();

        // The layout is the same, and so is everything that is loaded, except the number of words
        // of all sites, which the linker counts: a lower limit.
        let bounds = expected.symbol("__alt_bounds").unwrap();
        let words = (bounds + 5 * 16 + 8) as usize;
        let mut got_loaded = loaded(&got);
        for (_, start, bytes) in &mut got_loaded {
            if let Some(at) = words
                .checked_sub(*start as usize)
                .filter(|at| *at < bytes.len())
            {
                let stop = expected.bytes(words as u64, 8).unwrap();
                bytes[at..at + 8].copy_from_slice(stop);
            }
        }
        assert_eq!(got_loaded, loaded(&expected), "{linker:?}");
        let records = |image: &Image| Records::find(image, None).unwrap().list().to_vec();
        assert_eq!(records(&got), records(&expected), "{linker:?}");
        let of_table = |image: &Image| {
            let table = Records::find(image, None).unwrap().alternatives.range;
            let mut kept = kept(image);
            kept.retain(|(at, _, target)| table.contains(at) || table.contains(target));
            kept.sort_unstable();
            kept
        };
        assert_eq!(of_table(&got), of_table(&expected), "{linker:?}");

        // What stays is what stays at alt-ld.
        let reasons = |report: &alt_linker::atomics::Report| {
            let mut reasons: Vec<_> = report.left.iter().map(|left| left.reason.clone()).collect();
            reasons.sort();
            reasons
        };
        let (mut ours, mut theirs) = (reasons(&added.report), reasons(&prepared.report));
        let overridden = |reason: &Reason| matches!(reason, Reason::Overridden(_));
        assert_eq!(ours.iter().filter(|it| overridden(it)).count(), 1);
        ours.retain(|it| !overridden(it));
        theirs.retain(|it| !overridden(it));
        assert_eq!(ours, theirs);

        // A second time, nothing is left to do; and the same input gives the same bytes.
        let again = atomics::add(&got, "image").unwrap();
        assert_eq!((again.report.sites, again.before as u64), (0, CALLS));
        assert!(again.data.is_none());
        assert_eq!(atomics::add(&plain, "image").unwrap().data.unwrap(), data);
    }
}

/// Room for more records than calls stays empty.
#[test]
fn more_room_than_needed() {
    let Some(fixture) = Fixture::new("more_room_than_needed") else {
        return;
    };
    let plain = fixture.plain(Linker::Lld, 40);
    let data = atomics::add(&plain, "image").unwrap().data.unwrap();
    let got = Image::parse(data).unwrap();
    let (before, after) = [&plain, &got]
        .map(|it| Records::find(it, None).unwrap())
        .into();
    assert_eq!(after.list().len(), before.list().len() + CALLS as usize);
    assert!(after.list().is_sorted_by_key(|record| record.at));
}

#[test]
fn refusals_say_what_to_do() {
    let Some(fixture) = Fixture::new("refusals_say_what_to_do") else {
        return;
    };
    let refused = |image: Image| atomics::add(&image, "image").unwrap_err();
    let parse = |bytes| Image::parse(bytes).unwrap();
    let room = |room: u64| format!("--defsym={ROOM_SYMBOL}={room}");
    let link = |arguments: &[&str]| fixture.link(&fixture.objects, Linker::Lld, arguments);

    let error = refused(parse(link(&[&room(CALLS)])));
    assert!(matches!(error, AtomicsError::NoRelocations), "{error}");
    assert!(error.to_string().contains("--emit-relocs"), "{error}");
    for few in [0, CALLS - 1] {
        let error = refused(fixture.plain(Linker::Lld, few));
        let expected = matches!(error, AtomicsError::Room { calls: CALLS, room } if room == few);
        assert!(expected, "{error}");
        assert!(error.to_string().contains("--defsym=ALT_ATOMICS_ROOM=5"));
    }

    let good = link(&["--emit-relocs", &room(CALLS)]);
    let image = parse(good.clone());
    let end = Records::find(&image, None).unwrap().alternatives.range.end;
    let changed = |address: u64, value: u8| {
        let mut bytes = good.clone();
        bytes[image.offset_of(address).unwrap()] ^= value;
        refused(parse(bytes))
    };
    let error = changed(end + 12 * CALLS - 1, 1);
    assert!(
        matches!(error, AtomicsError::InUse(at) if at == end),
        "{error}"
    );
    let error = changed(image.symbol("__alt_bounds").unwrap() + 24, 8);
    assert!(matches!(error, AtomicsError::NoBounds(_)), "{error}");

    // The room for the plan, of a script that does not know the symbol.
    let init = include_str!("../../../link/alternatives-init.x");
    let line = "  . += DEFINED(ALT_ATOMICS_ROOM) ? 12 * ALT_ATOMICS_ROOM : 0;\n";
    assert!(init.contains(line));
    let script = fixture.dir.path().join("alternatives-init.x");
    fs::write(script, init.replace(line, "")).unwrap();
    let error = refused(fixture.plain(Linker::Lld, CALLS));
    let expected =
        matches!(error, AtomicsError::PlanRoom { needed, room } if needed == room + CALLS);
    assert!(expected, "{error}");
}

/// The table and all that the linker has resolved are less than 2 GiB apart, a call after it is farther away.
#[test]
fn a_call_out_of_the_range_of_a_record_is_refused() {
    let Some(fixture) = Fixture::new("a_call_out_of_the_range_of_a_record_is_refused") else {
        return;
    };
    const FAR: u64 = 0x4020_0000 + (1 << 31) + 0x1_0000;
    let source = ".section .far, \"ax\"\n.globl far\nfar:\n bl __aarch64_swp4_acq\n ret\n";
    let mut objects = fixture.objects.clone();
    objects.push(assemble(fixture.dir.path(), "far", source));
    let room = format!("--defsym={ROOM_SYMBOL}={}", CALLS + 1);
    let text = format!(
        ". = 0x40200000 + 0x7fff0000;\n .text : {{ *(.text .text.*) }}\n \
         . = {FAR:#x};\n .far : {{ KEEP(*(.far)) }}"
    );
    let arguments = ["--emit-relocs", &room];
    let image = fixture.link_by(&text, &objects, Linker::Lld, &arguments);
    let image = Image::parse(image).unwrap();
    let error = atomics::add(&image, "image").unwrap_err();
    let expected =
        matches!(error, AtomicsError::TooFar { at, target } if target == FAR && at < target);
    assert!(expected, "{error}");
    assert!(error.to_string().contains("more than 2 GiB"), "{error}");
}

/// Without helpers of alt-runtime, the calls are counted, and nothing else is asked for.
#[test]
fn calls_without_helpers_of_ours_are_counted() {
    let test = "calls_without_helpers_of_ours_are_counted";
    let renamed = |text: String| text.replace("__alt_atomic_", "word_of_");
    let Some(fixture) = Fixture::with(test, renamed) else {
        return;
    };
    let image = fixture.link(&fixture.objects, Linker::Lld, &["--emit-relocs"]);
    let added = atomics::add(&Image::parse(image).unwrap(), "image");
    // The helpers are sites with the right instruction all the same.
    assert!(matches!(added, Err(AtomicsError::Room { .. })), "{added:?}");
    let empty = |text: String| {
        let start = text.find("helper ldadd8").unwrap();
        let end = text.find("// Defined elsewhere").unwrap();
        let foreign = "__aarch64_ldadd8_relax:\n.globl __aarch64_ldadd8_relax\n\
                       __aarch64_swp4_acq:\n.globl __aarch64_swp4_acq\nret\n";
        let text = format!("{}.text\n{foreign}{}", &text[..start], &text[end..]);
        format!("{text}\n.globl __alt_cpucap_LSE\n")
    };
    let fixture = Fixture::with(test, empty).unwrap();
    let image = fixture.link(&fixture.objects, Linker::Lld, &["--emit-relocs"]);
    let added = atomics::add(&Image::parse(image).unwrap(), "image").unwrap();
    assert!(added.data.is_none());
    assert_eq!(added.report.without_helpers as u64, CALLS + 1);
    assert!(added.report.lines()[0].contains("enable the feature `atomics`"));
}
