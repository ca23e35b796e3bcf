//! What cannot be linked at all.

use std::path::Path;
use std::process::Command;

use alt_image::image::Image;
use alt_linker::partial_link::{Link, PartialLinkError};
use alt_object::inputs::InputError;

use crate::support::{Bench, PLAIN, expect};

const INIT: &str = ".section .text.init, \"ax\"\n.globl init\ninit: ret\n";

#[track_caller]
fn input_error(bench: &Bench, input: &Path) -> (InputError, String) {
    let error = bench.link(PLAIN, &[input]).unwrap_err();
    let message = error.to_string();
    let output = bench.alt(PLAIN, &[input]);
    assert_eq!(output.status.code(), Some(2), "{message}");
    expect(&String::from_utf8_lossy(&output.stderr), &[&message]);
    assert!(!bench.path("out.o").exists());
    match error {
        PartialLinkError::Input(error) => (error, message),
        other => panic!("{other}"),
    }
}

#[test]
fn files_that_are_no_objects_for_arm64_are_refused() {
    let Some(bench) = Bench::new("files_that_are_no_objects_for_arm64_are_refused") else {
        return;
    };
    let object = std::fs::read(bench.assemble(INIT, "fixture.o")).unwrap();
    let changed = |at: usize, byte: u8| {
        let mut bytes = object.clone();
        bytes[at] = byte;
        bytes
    };
    type Is = fn(&InputError) -> bool;
    // e_ident[EI_CLASS], e_ident[EI_DATA], e_machine, e_type.
    let cases: [(&str, Vec<u8>, Is, &str); 8] = [
        (
            "c32.o",
            changed(4, 1),
            |e| matches!(e, InputError::Class(_)),
            "32 bits",
        ),
        (
            "be.o",
            changed(5, 2),
            |e| matches!(e, InputError::BigEndian(_)),
            "big-endian",
        ),
        (
            "x86.o",
            changed(18, 62),
            |e| matches!(e, InputError::Machine { .. }),
            "machine 0x3e",
        ),
        (
            "exec",
            changed(16, 2),
            |e| matches!(e, InputError::Type { .. }),
            "type 2",
        ),
        (
            "text.o",
            b"hello".to_vec(),
            |e| matches!(e, InputError::Unknown(_)),
            "neither an object",
        ),
        (
            "empty.o",
            Vec::new(),
            |e| matches!(e, InputError::Unknown(_)),
            "neither an object",
        ),
        (
            "short.o",
            object[..100].to_vec(),
            |e| matches!(e, InputError::Damaged { .. }),
            "damaged",
        ),
        (
            "thin.a",
            thin_archive("not-there.o", 16),
            |e| matches!(e, InputError::ThinMember { .. }),
            "not-there.o",
        ),
    ];
    for (name, bytes, is, words) in cases {
        let (error, message) = input_error(&bench, &bench.write(name, bytes));
        assert!(is(&error), "{error:?}");
        expect(&message, &[name, words]);
    }
    let (error, _) = input_error(&bench, &bench.path("missing.o"));
    assert!(matches!(error, InputError::Read { .. }));
}

/// A thin archive with one member, whose name is relative to the folder of the archive.
fn thin_archive(member: &str, size: usize) -> Vec<u8> {
    let head = |name: &str, size: usize| {
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644)
    };
    let names = format!("{member}/\n");
    let padding = if names.len() % 2 == 1 { "\n" } else { "" };
    let text = ["!<thin>\n", &head("//", names.len()), &names, padding];
    [text.concat(), head("/0", size)].concat().into_bytes()
}

/// As kbuild makes them.
#[test]
fn members_of_thin_archives_are_read_from_their_files() {
    let Some(bench) = Bench::new("members_of_thin_archives_are_read_from_their_files") else {
        return;
    };
    let object = std::fs::read(bench.assemble(INIT, "fixture.o")).unwrap();
    let archive = bench.write("thin.a", thin_archive("fixture.o", object.len()));
    let inputs = alt_object::inputs::read([&archive]).unwrap();
    let [input] = &inputs[..] else {
        panic!("{} inputs", inputs.len());
    };
    assert_eq!(input.name, "thin.a(fixture.o)");
    assert_eq!(input.bytes, object);
    // Without a folder, the member cannot be found.
    let error = alt_object::inputs::parse("thin.a".into(), std::fs::read(archive).unwrap());
    assert!(matches!(error, Err(InputError::Thin(_))));
}

#[test]
fn members_of_archives_are_told_with_the_archive() {
    let Some(bench) = Bench::new("members_of_archives_are_told_with_the_archive") else {
        return;
    };
    let mut bytes = std::fs::read(bench.assemble(INIT, "fixture.o")).unwrap();
    bytes[18] = 62;
    let head = format!(
        "{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
        "a.o/",
        0,
        0,
        0,
        644,
        bytes.len()
    );
    let archive = [&b"!<arch>\n"[..], head.as_bytes(), &bytes].concat();
    let (_, message) = input_error(&bench, &bench.write("lib.a", archive));
    expect(&message, &["lib.a(a.o): an ELF file for machine 0x3e"]);
    let (_, message) = input_error(&bench, &bench.write("lib.a", b"!<arch>\nrubbish"));
    expect(&message, &["lib.a: truncated or damaged"]);
}

#[test]
fn a_manifest_with_mistakes_is_no_finding() {
    let Some(bench) = Bench::new("a_manifest_with_mistakes_is_no_finding") else {
        return;
    };
    let object = bench.assemble(INIT, "fixture.o");
    let output = bench.alt("exports = [\"init\"]\nallows = 1\n", &[&object]);
    assert_eq!(output.status.code(), Some(2));
    expect(
        &String::from_utf8_lossy(&output.stderr),
        &[
            "hyp.toml:2:1: unknown key `allows` in a manifest",
            "did you mean `allow`?",
        ],
    );
}

/// Only the linker understands it.
#[test]
fn bitcode_is_for_the_link_only() {
    let Some(bench) = Bench::new("bitcode_is_for_the_link_only") else {
        return;
    };
    let flags = ["--crate-type=lib", "--emit=obj", "-Clinker-plugin-lto"];
    let source = "#![no_std]\n#[unsafe(no_mangle)] pub extern \"C\" fn init() {}\n";
    let object = bench.rust(source, "fixture.o", &flags);
    let bytes = std::fs::read(&object).unwrap();
    assert!(bytes.starts_with(b"BC"));
    let error = Image::parse(bytes).unwrap_err().to_string();
    assert_eq!(error, "LLVM bitcode, link with -r first");
    let output = Command::new(env!("CARGO_BIN_EXE_alt"));
    let output = { output }.arg("verify").arg(&object).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    expect(
        &String::from_utf8_lossy(&output.stderr),
        &["LLVM bitcode, link with -r first"],
    );
}

/// Bits, as LLVM's bitstreams have them: the lowest first.
#[derive(Default)]
struct Bits(Vec<u8>, u32);

impl Bits {
    fn fixed(&mut self, value: u64, width: u32) {
        for bit in 0..width {
            if self.1.is_multiple_of(8) {
                self.0.push(0);
            }
            *self.0.last_mut().unwrap() |= (((value >> bit) & 1) as u8) << (self.1 % 8);
            self.1 += 1;
        }
    }

    fn vbr(&mut self, mut value: u64, width: u32) {
        let more = 1 << (width - 1);
        while value >= more {
            self.fixed((value & (more - 1)) | more, width);
            value >>= width - 1;
        }
        self.fixed(value, width);
    }

    fn align(&mut self) {
        while !self.1.is_multiple_of(32) {
            self.fixed(0, 1);
        }
    }

    /// ENTER_SUBBLOCK at the top level, records without abbreviations, END_BLOCK.
    fn block(&mut self, id: u64, records: &[(u64, Vec<u64>)]) {
        let mut inner = Self::default();
        for (code, operands) in records {
            inner.fixed(3, 3);
            inner.vbr(*code, 6);
            inner.vbr(operands.len() as u64, 6);
            for operand in operands {
                inner.vbr(*operand, 6);
            }
        }
        inner.fixed(0, 3);
        inner.align();
        self.fixed(1, 2);
        self.vbr(id, 8);
        self.vbr(3, 4);
        self.align();
        self.fixed(inner.0.len() as u64 / 4, 32);
        self.0.extend(&inner.0);
        self.1 += inner.1;
    }
}

/// A file of bitcode that an LLVM of this name made: its identification (block 13: the name, the
/// epoch) and a module (block 8) in a version of the format that will never be.
fn foreign(producer: &str, epoch: u64) -> Vec<u8> {
    let mut bits = Bits::default();
    for byte in *b"BC\xc0\xde" {
        bits.fixed(byte.into(), 8);
    }
    let name = producer.bytes().map(u64::from).collect();
    bits.block(13, &[(1, name), (2, vec![epoch])]);
    bits.block(8, &[(1, vec![99])]);
    bits.0
}

#[test]
fn bitcode_of_another_llvm_is_told_with_both_versions() {
    let Some(bench) = Bench::new("bitcode_of_another_llvm_is_told_with_both_versions") else {
        return;
    };
    let object = bench.write("foreign.o", foreign("LLVM99.1.2", 0));
    let error = bench.link(PLAIN, &[&object]).unwrap_err();
    let PartialLinkError::Bitcode {
        producer, reader, ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(producer.as_deref(), Some("LLVM99.1.2"));
    let reader = reader.as_deref().unwrap();
    assert!(reader.starts_with("LLVM"), "{reader}");
    expect(&error.to_string(), &["foreign.o", "(LLVM99.1.2)", reader]);
    let output = bench.alt(PLAIN, &[&object]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!bench.path("out.o").exists());
}

#[test]
fn bitcode_of_another_epoch_is_told_as_such() {
    let Some(bench) = Bench::new("bitcode_of_another_epoch_is_told_as_such") else {
        return;
    };
    let object = bench.write("foreign.o", foreign("LLVM99.1.2", 77));
    let error = bench.link(PLAIN, &[&object]).unwrap_err();
    assert!(
        matches!(error, PartialLinkError::Bitcode { .. }),
        "{error:?}"
    );
    expect(
        &error.to_string(),
        &["foreign.o", "77", "one toolchain for both"],
    );
}

#[test]
fn a_missing_linker_is_told_with_what_has_it() {
    let Some(bench) = Bench::new("a_missing_linker_is_told_with_what_has_it") else {
        return;
    };
    let object = bench.assemble(INIT, "fixture.o");
    let alt = || {
        let mut alt = Command::new(env!("CARGO_BIN_EXE_alt"));
        alt.args(["hyp-link", "--manifest"])
            .arg(bench.write("hyp.toml", PLAIN))
            .arg("-o")
            .arg(bench.path("out.o"))
            .arg(&object)
            .env("NO_COLOR", "1");
        alt
    };
    // A compiler without a linker of its own, as of a distribution.
    let rustc = bench.write(
        "rustc",
        "#!/bin/sh\ncase $1 in --print) echo /nowhere;; *) echo host: x-y-z;; esac\n",
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&rustc, std::fs::Permissions::from_mode(0o755)).unwrap();
        let output = alt().env("RUSTC", &rustc).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        expect(
            &String::from_utf8_lossy(&output.stderr),
            &[
                "/nowhere/lib/rustlib/x-y-z/bin/rust-lld: there is no rust-lld",
                "rustup",
            ],
        );
    }
    let output = alt().env("RUSTC", bench.path("nowhere")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    expect(
        &String::from_utf8_lossy(&output.stderr),
        &["nowhere: does not report its linker"],
    );
    let output = alt()
        .arg("--linker")
        .arg(bench.path("no-lld"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    expect(&String::from_utf8_lossy(&output.stderr), &["no-lld: "]);
    assert!(!bench.path("out.o").exists());
}

/// Says what is wrong with which file.
#[test]
fn files_that_cannot_be_read_or_written_are_told() {
    let Some(bench) = Bench::new("files_that_cannot_be_read_or_written_are_told") else {
        return;
    };
    let object = bench.assemble(INIT, "fixture.o");
    let (here, nowhere) = (bench.write("hyp.toml", PLAIN), bench.path("nowhere"));
    for (manifest, output) in [
        (&nowhere, bench.path("out.o")),
        (&here, nowhere.join("out.o")),
    ] {
        let link = Link::new(manifest).input(&object).output(&output);
        let error = link.scratch(bench.dir.path()).link().unwrap_err();
        assert!(matches!(error, PartialLinkError::File { .. }), "{error}");
        assert!(!error.is_finding() && !output.exists());
        expect(&error.to_string(), &["nowhere", ": No such file"]);
    }
}

/// A linker that fails for reasons of its own, and one that makes something else than an object.
#[cfg(unix)]
#[test]
fn what_linkers_do_otherwise_is_told() {
    use std::os::unix::fs::PermissionsExt;

    let Some(bench) = Bench::new("what_linkers_do_otherwise_is_told") else {
        return;
    };
    let object = bench.assemble(INIT, "fixture.o");
    let manifest = bench.write("hyp.toml", PLAIN);
    let run = |script: &str| {
        let linker = bench.write("odd-lld", format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(&linker, std::fs::Permissions::from_mode(0o755)).unwrap();
        let link = Link::new(&manifest).input(&object).linker(linker);
        let link = link.output(bench.path("out.o")).scratch(bench.dir.path());
        let error = link.link().unwrap_err();
        assert!(!error.is_finding() && !bench.path("out.o").exists());
        error
    };
    let error = run("echo 'out of memory' >&2; exit 1");
    assert!(matches!(error, PartialLinkError::Linker(_)), "{error:?}");
    expect(&error.to_string(), &["partial link fails:\nout of memory"]);
    let error = run("kill -9 $$");
    expect(&error.to_string(), &["partial link fails:\n", "signal: 9"]);

    let folder = bench.dir.path().display();
    let error = run(&format!(
        "echo rubbish > {folder}/hyp.partial.o; echo > {folder}/hyp.map"
    ));
    assert!(matches!(error, PartialLinkError::Object(_)), "{error:?}");
    expect(&error.to_string(), &["an object that cannot be used: "]);
}
