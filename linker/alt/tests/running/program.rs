//! The program, from the dump to its lines.

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::kernel::{self, BASE, Running, at};

struct Folder(TempDir);

/// Exit status and both outputs.
struct Ran(Option<i32>, String, String);

impl Folder {
    fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        folder.write("vmlinux", &kernel::image().bytes());
        folder
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.path().join(name), bytes).unwrap();
    }

    fn alt(&self, arguments: &str) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_alt"))
            .args(arguments.split(' '))
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran(
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    }
}

#[test]
fn a_core_file_is_enough() {
    let folder = Folder::new();
    let mut running = Running::new(0x20_0000);
    folder.write("core", &running.core());
    let Ran(status, out, error) = folder.alt("diff vmlinux --dump core");
    let expected = "\
        note: the text was found in core: --base 0xffff800008000000\n\
        note: by its relocated pointers, the kernel runs at 0x200000 from its link address\n\
        note: words that may have several values: 5 ftrace (4 written), 2 jump labels (2 written), \
        2 relocated pointers (2 written), 6 pointers of the hypervisor (6 written)\n\
        note: cpu_hwcaps in the dump has 2 cpucaps: cap 5, cap 6\n\
        note: .init.text was not compared: the kernel has given its memory back\n\
        0 of 512 words of text differ, in 0 sites and 0 other places; 0 callbacks not judged\n";
    // Cpucap 7 is absent, so its callback must not have run.
    let (first, rest) = out.split_once("note: the text").unwrap();
    assert!(
        first.starts_with("site 0xffff800008000190 .text+0x190\n"),
        "{out}"
    );
    let rest = format!("note: the text{rest}").replace("\n1 of 512", "\n0 of 512");
    assert_eq!(rest.replace("in 1 site ", "in 0 sites "), expected);
    assert_eq!((status, error.as_str()), (Some(1), ""));

    running.set(at(kernel::CALLBACK), kernel::text()[kernel::CALLBACK]);
    folder.write("core", &running.core());
    let Ran(status, out, _) = folder.alt("diff vmlinux --dump core");
    assert_eq!((status, out.as_str()), (Some(0), expected));

    running.set(at(450), 0xd65f_03c0);
    folder.write("core", &running.core());
    let Ran(status, out, _) = folder.alt("diff vmlinux --dump core");
    assert_eq!(status, Some(1));
    assert!(
        out.starts_with("text 0xffff800008000708 .text+0x708\n"),
        "{out}"
    );
    assert!(
        out.contains("1 of 512 words of text differ, in 0 sites and 1 other place;"),
        "{out}"
    );

    let Ran(status, out, _) = folder.alt("diff vmlinux --dump core --json");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(status, Some(1));
    assert_eq!(json["differences"][0]["words"][0]["found"], "0xd65f03c0");
    assert_eq!(json["slide"], "0x200000");
    let found = serde_json::json!([{ "file": "core", "base": "0xffff800008000000" }]);
    assert_eq!(json["found"], found);
    let cpucaps = serde_json::json!({
        "source": "memory", "present": ["cap 5", "cap 6"], "against": [],
    });
    assert_eq!(json["cpucaps"], cpucaps);
    let ftrace = serde_json::json!({ "means": "ftrace", "words": 5, "changed": 4 });
    assert_eq!(json["accounted"][0], ftrace);
    assert_eq!(json["sections"][1]["given_back"], true);
}

#[test]
fn what_is_wrong_with_the_dump_is_one_line() {
    let folder = Folder::new();
    let running = Running::new(0);
    folder.write("raw", &running.bytes);
    folder.write("core", &running.core());
    let line = |arguments: &str, texts: &[&str]| {
        let Ran(status, out, error) = folder.alt(arguments);
        assert_eq!((status, out.as_str()), (Some(2), ""), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        for text in texts {
            assert!(error.contains(text), "{text}: {error}");
        }
    };
    let right = "the text of this image is at --base 0xffff800008000000";
    line(
        "diff vmlinux --dump raw --base 0xffff800007fffff0 --caps 5,6,7",
        &["words of text outside of sites differ", right],
    );
    line(
        "diff vmlinux --dump raw --base 0x40000000",
        &["has no byte of the text", right],
    );
    line(
        "diff vmlinux --dump core --base 0x40000000",
        &["core is an ELF core file", "leave --base out"],
    );
    line(
        "diff vmlinux --dump raw --dump raw --base 0x40000000",
        &["--dump is given 2 times and --base 1 times"],
    );
    let core = running.core();
    folder.write("short", &core[..core.len() - 1]);
    line(
        "diff vmlinux --dump short",
        &["short: the core file is truncated"],
    );
    let mut other = core.clone();
    other[18] = 62;
    folder.write("x86", &other);
    line("diff vmlinux --dump x86", &["another machine: 0x3e"]);
    folder.write("nothing", &[0; 8192]);
    line(
        "diff vmlinux --dump nothing",
        &["the text of the image is not in the dump"],
    );
}

#[test]
fn wrong_cpucaps_are_one_line() {
    let folder = Folder::new();
    folder.write("raw", &Running::new(0).bytes);
    let diff = format!("diff vmlinux --dump raw --base {BASE:#x}");
    let Ran(status, out, _) = folder.alt(&format!("{diff} --caps 7"));
    assert_eq!(status, Some(1));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        lines[0],
        "cpucap cap 5: 20 of 20 sites are as if it were present"
    );
    // A single site is shown in full.
    assert_eq!(lines[1], "site 0xffff800008000180 .text+0x180");
    assert!(
        out.contains("22 of 511 words of text differ, in 21 sites"),
        "{out}"
    );
    assert_eq!(out.matches("site 0x").count(), 1, "{out}");
    // In JSON, all of them.
    let Ran(_, out, _) = folder.alt(&format!("{diff} --caps 7 --json"));
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["differences"].as_array().unwrap().len(), 21);
    let against = serde_json::json!([
        { "cap": 5, "name": "cap 5", "present": 20, "absent": 0 },
        { "cap": 6, "name": "cap 6", "present": 1, "absent": 0 },
    ]);
    assert_eq!(json["cpucaps"]["against"], against);
}

#[test]
fn cpucaps_are_concluded_from_the_text_alone() {
    let folder = Folder::new();
    let mut running = Running::new(0);
    running.set(at(kernel::SITES + 7), 0);
    folder.write("raw", &running.bytes[..0x1000]);
    let Ran(status, out, _) = folder.alt("diff vmlinux --dump raw");
    assert_eq!(status, Some(1));
    let note = "note: the cpucaps are concluded from the words of sites: \
        cap 5 present in 19 of 20, cap 6 present in 1 of 1\n";
    assert!(out.contains(note), "{out}");
    assert!(
        out.starts_with("site 0xffff80000800011c .text+0x11c\n"),
        "{out}"
    );
}

#[test]
fn long_lists_are_cut() {
    let folder = Folder::new();
    let mut running = Running::new(0);
    for index in (410..450).step_by(2) {
        running.set(at(index), 0);
    }
    folder.write("raw", &running.bytes);
    let diff = format!("diff vmlinux --dump raw --base {BASE:#x} --caps 5,6,7");
    let shown = |more: &str| {
        let Ran(_, out, _) = folder.alt(&format!("{diff}{more}"));
        let more = out.lines().find(|line| line.starts_with('…'));
        (out.matches("text 0x").count(), more.map(String::from))
    };
    assert_eq!(shown(""), (20, None));
    assert_eq!(shown(" --limit 0"), (20, None));
    let more = "… and 15 more; --limit 0 shows all".into();
    assert_eq!(shown(" --limit 5"), (5, Some(more)));
}

#[test]
fn an_image_that_is_patched_for_another_system_is_refused() {
    let folder = Folder::new();
    let apply = |image: &str, caps: &str, out: &str| {
        folder.alt(&format!("apply {image} --caps {caps} -o {out}"))
    };
    assert_eq!(apply("vmlinux", "5,6", "patched").0, Some(0));
    // The same, and more.
    assert_eq!(apply("patched", "5,6", "again").0, Some(0));
    assert_eq!(apply("patched", "4,5,6,7", "more").0, Some(0));
    for (caps, condition) in [("6", "cap 5"), ("5", "cap 6"), ("1,6", "cap 5")] {
        let Ran(status, out, error) = apply("patched", caps, "wrong");
        assert_eq!((status, out.as_str()), (Some(2), ""), "{error}");
        let text = "the image is patched already, for other cpucaps: ";
        assert!(error.contains(text), "{error}");
        assert!(
            error.contains(&format!("{condition} does not hold here")),
            "{error}"
        );
        assert!(!folder.0.path().join("wrong").exists());
    }
    let Ran(_, _, error) = apply("patched", "6", "wrong");
    let sites = "20 of 20 sites for cap 5 have its instructions already, the first at \
        0xffff800008000100";
    assert!(error.contains(sites), "{error}");
}

#[test]
fn sites_are_selected_by_cpucap_kind_and_section() {
    let folder = Folder::new();
    let last = |arguments: &str| {
        let Ran(status, out, error) = folder.alt(&format!("dump vmlinux {arguments}"));
        assert_eq!((status, error.as_str()), (Some(0), ""));
        out.lines().last().unwrap().to_owned()
    };
    assert_eq!(last("--cap 6"), "1 of 22 sites, 1 of 22 records: 1 of NOPs");
    let both = "2 of 22 sites, 2 of 22 records: 1 with callbacks, 1 of NOPs";
    assert_eq!(last("--cap 6 --cap 7"), both);
    assert_eq!(last("--kind nops --kind callback"), both);
    assert!(last("--kind code").starts_with("20 of 22 sites"));
    assert!(last("--section .text").starts_with("22 sites"));
    let refused = |arguments: &str, text: &str| {
        let Ran(status, out, error) = folder.alt(&format!("dump vmlinux {arguments}"));
        assert_eq!((status, out.as_str()), (Some(2), ""));
        assert!(error.contains(text), "{error}");
    };
    let left = "no such site has the kind and the section";
    refused("--section .init.text", left);
    refused(
        "--kind branch",
        "kinds: callback, code, nops; sections: .text",
    );
    refused("--cap 6 --kind code", left);

    let Ran(_, out, _) = folder.alt("dump vmlinux --limit 2");
    assert_eq!(out.matches(".text, alternative").count(), 2);
    assert!(out.contains("\n… and 20 more sites\n22 sites, "), "{out}");
    let Ran(_, out, _) = folder.alt("dump vmlinux --summary --limit 2");
    let expected = "  sites    arms  cpucap\n     20      20  cap 5\n      1       1  cap 6\n\
        \x20                … and 1 more\n\n";
    assert!(out.starts_with(expected), "{out}");
    let Ran(_, out, _) = folder.alt("dump vmlinux --summary --json");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let section = serde_json::json!([{ "name": ".text", "sites": 22, "arms": 22 }]);
    assert_eq!(json["sections"], section);
}

#[test]
fn two_sites_of_one_name_are_told_apart() {
    let folder = Folder::new();
    let mut elf = kernel::image();
    for site in [kernel::SITES, kernel::SITES + 8] {
        elf.symbol("irq", 2, 1, at(site - 4), 32);
    }
    folder.write("vmlinux", &elf.bytes());
    let Ran(status, _, error) = folder.alt("dump vmlinux --site irq+0x10");
    assert_eq!(status, Some(2));
    let text = "irq+0x10 is the place of several sites; give the address of one: \
        0xffff800008000100 (irq+0x10), 0xffff800008000120 (irq+0x10)";
    assert!(error.contains(text), "{error}");
    // One symbol only has a site there.
    let Ran(status, out, error) = folder.alt("dump vmlinux --site irq+0xc");
    assert_eq!(status, Some(0), "{out}{error}");
    assert!(out.contains("\n1 of 22 sites"), "{out}");
    let Ran(status, out, _) = folder.alt("dump vmlinux --site 0xffff800008000120");
    assert_eq!(status, Some(0));
    assert!(out.starts_with("irq+0x10  0xffff800008000120"), "{out}");
    // All sites of both.
    let Ran(_, out, _) = folder.alt("dump vmlinux --site irq");
    assert!(out.contains("\n12 of 22 sites"), "{out}");
}
