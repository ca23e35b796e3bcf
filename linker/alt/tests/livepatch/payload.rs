//! `alt livepatch build` and `show`, from two builds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use alt_runtime::livepatch::Payload;
use alt_runtime::livepatch::format::{BASE_IMAGE, HookKind, NONE};
use test_support::Image;

use crate::kernel::{Kernel, SOURCE, alt, said};

/// An edit of the kernel's source.
pub fn edited() -> String {
    let hello = "\"hello {count}\\n\")";
    assert!(SOURCE.contains(hello) && SOURCE.contains("wrapping_mul(31)"));
    SOURCE
        .replace(hello, "\"good day {count} {}\\n\", tick(3))")
        .replace("wrapping_mul(31)", "wrapping_mul(37)")
}

fn build(kernel: &Kernel, arguments: &[&str]) -> Output {
    let all: Vec<_> = ["livepatch", "build"]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    alt(&all, &kernel.path(""))
}

#[track_caller]
pub fn built(kernel: &Kernel, arguments: &[&str], payload: &str) -> Vec<u8> {
    let all: Vec<_> = arguments.iter().copied().chain(["-o", payload]).collect();
    let output = build(kernel, &all);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    fs::read(kernel.path(payload)).unwrap()
}

/// The address of the only symbol that contains `part`.
#[track_caller]
fn address(image: &Path, part: &str) -> u64 {
    let elf = fs::read(image).unwrap();
    let elf = object::File::parse(&*elf).unwrap();
    use object::{Object as _, ObjectSymbol as _};
    let mut found = elf
        .symbols()
        .filter(|symbol| symbol.name().is_ok_and(|name| name.contains(part)) && symbol.size() != 0);
    let address = found
        .next()
        .unwrap_or_else(|| panic!("no {part}"))
        .address();
    assert!(found.next().is_none(), "{part} is ambiguous");
    address
}

/// The payload in memory at `base`, by the formulas of AAELF64, 5.7.
pub fn loaded(payload: &Payload<'_>, base: u64, anchor: u64) -> BTreeMap<u64, u32> {
    let mut words = BTreeMap::new();
    let text = payload.functions().map(|f| (f.new, f.new_size));
    let text = text.chain(payload.symbols().map(|s| (s.start, s.size)));
    for (start, size) in text {
        for place in (start..start + size).step_by(4) {
            let bytes = payload.bytes_at(place).unwrap().first_chunk().unwrap();
            words.insert(base + u64::from(place), u32::from_le_bytes(*bytes));
        }
    }
    for relocation in payload.relocations() {
        let place = base + u64::from(relocation.place);
        let Some(word) = words.get_mut(&place) else {
            continue;
        };
        let from = if relocation.base() == BASE_IMAGE {
            anchor
        } else {
            base
        };
        let target = from.wrapping_add_signed(relocation.target());
        match relocation.elf_type() {
            282 | 283 => *word |= (target.wrapping_sub(place) >> 2) as u32 & 0x3ff_ffff,
            275 => {
                let pages = ((target >> 12).wrapping_sub(place >> 12)) as u32;
                *word |= (pages & 3) << 29 | (pages >> 2 & 0x7_ffff) << 5;
            }
            277 => *word |= (target as u32 & 0xfff) << 10,
            kind => panic!("type {kind} at {place:#x}"),
        }
    }
    words
}

/// The targets of BL, and of each ADRP with the ADD after it, in the range of a function.
fn targets(words: &BTreeMap<u64, u32>, start: u64, size: u32) -> Vec<u64> {
    let mut found = Vec::new();
    let mut page = None;
    for (at, word) in words.range(start..start + u64::from(size)) {
        if word >> 26 == 0b100101 {
            let words = (*word << 6) as i32 >> 6;
            found.push(at.wrapping_add_signed(i64::from(words) * 4));
        } else if word & 0x9f00_0000 == 0x9000_0000 {
            let pages = (word >> 5 & 0x7_ffff) << 2 | word >> 29 & 3;
            let pages = (pages << 11) as i32 >> 11;
            page = Some((at & !0xfff).wrapping_add_signed(i64::from(pages) << 12));
        } else if word & 0xffc0_0000 == 0x9100_0000
            && let Some(page) = page.take()
        {
            found.push(page + u64::from(word >> 10 & 0xfff));
        }
    }
    found
}

#[test]
fn changed_functions_are_carried_and_refer_to_the_old_image() {
    let Some(kernel) = Kernel::new("changed_functions_are_carried_and_refer_to_the_old_image")
    else {
        return;
    };
    let old = kernel.build("old", SOURCE);
    kernel.build("new", &edited());
    let file = built(&kernel, &["old", "new"], "fix.alp");
    let payload = Payload::parse(&file).unwrap();
    assert_eq!(payload.name(), "fix");
    let image = Image::open(&old).unwrap();
    let note = image.section(".note.gnu.build-id").unwrap();
    assert_eq!(payload.image(), note.bytes[16..36]);
    let anchor = note.range.start;

    let base = 0x100_0000;
    let words = loaded(&payload, base, anchor);
    let of = |part: &str| address(&old, part);
    let mut names = Vec::new();
    for function in payload.functions() {
        let name = payload.text(function.name, function.name_len);
        let old_at = anchor.wrapping_add_signed(i64::from(function.old as i32));
        let first = image.bytes(old_at, 4).unwrap();
        let expected: Vec<_> = payload.words(&function).collect();
        assert_eq!(expected, [u32::from_le_bytes(first.try_into().unwrap())]);
        let new = targets(&words, base + u64::from(function.new), function.new_size);
        let start = of(&format!("{}17h", name.rsplit("::").next().unwrap()));
        assert_eq!(old_at, start, "{name}");
        let has = |part: &str| assert!(new.contains(&of(part)), "{name}: {part}: {new:x?}");
        match name {
            "kernel::tick" => has("5TICKS17h"),
            "kernel::work" => {
                has("kernel4tick17h");
                has("kernel5spare17h");
            }
            "kernel::greet" => {
                has("kernel4tick17h");
                // The strings and the vtable are copies in the payload.
                assert!(
                    new.iter()
                        .any(|target| (base + 0x1_0000..base + 0x2_0000).contains(target))
                );
            }
            _ => {}
        }
        names.push(name);
    }
    for name in ["kernel::greet", "kernel::work"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(!names.contains(&"kernel::spare"), "{names:?}");
    let strings = payload.bytes_at(0x1_0000).unwrap();
    assert!(strings.windows(8).any(|window| window == b"good day"));

    let shown = alt(
        &["livepatch", "show", "fix.alp", "--image", "old"],
        &kernel.path(""),
    );
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(
        text.contains(&format!("bytes at {:#x}, by", of("kernel4work17h"))),
        "{text}"
    );
    assert!(
        text.contains("parent  none: no other payload may be applied"),
        "{text}"
    );
    let shown = alt(
        &["livepatch", "show", "fix.alp", "--json"],
        &kernel.path(""),
    );
    let json: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(json["functions"].as_array().unwrap().len(), names.len());
    assert_eq!(
        (&json["name"], &json["version"]),
        (&"fix".into(), &1.into())
    );
    let shown = alt(
        &["livepatch", "show", "fix.alp", "--image", "new"],
        &kernel.path(""),
    );
    assert_eq!(shown.status.code(), Some(2));
    assert!(
        said(&shown).contains("new: the payload is for another image"),
        "{}",
        said(&shown)
    );
    let shown = alt(&["livepatch", "show", "old"], &kernel.path(""));
    assert_eq!(shown.status.code(), Some(2));
}

/// Twice, and with the new build made in another directory.
#[test]
fn the_same_edit_is_the_same_bytes() {
    let Some(kernel) = Kernel::new("the_same_edit_is_the_same_bytes") else {
        return;
    };
    kernel.build("old", SOURCE);
    kernel.build("new", &edited());
    kernel.build("elsewhere", &edited());
    let first = built(&kernel, &["old", "new", "--name", "fix"], "1.alp");
    let second = built(&kernel, &["old", "new", "--name", "fix"], "2.alp");
    let other = built(&kernel, &["old", "elsewhere", "--name", "fix"], "3.alp");
    assert!(first == second);
    assert!(first == other);
    // The old build from its folder, moved.
    fs::create_dir(kernel.path("there")).unwrap();
    fs::rename(kernel.path("old.livepatch"), kernel.path("there/kept")).unwrap();
    let moved = built(&kernel, &["there/kept", "new", "--name", "fix"], "4.alp");
    assert!(first == moved);
}

const HOOK: &str = "
static RUNS: AtomicU32 = AtomicU32::new(0);
#[unsafe(no_mangle)]
extern \"C\" fn fix_up() -> u32 {
    RUNS.fetch_add(1, Ordering::Relaxed);
    tick(9);
    0
}
";

#[test]
fn options_of_the_author() {
    let Some(kernel) = Kernel::new("options_of_the_author") else {
        return;
    };
    let old = kernel.build("old", SOURCE);
    let flags: Vec<_> = crate::kernel::FLAGS
        .into_iter()
        .chain(["-Clink-arg=--undefined=fix_up"])
        .collect();
    let output = kernel.run("new", &format!("{}{HOOK}", edited()), &flags);
    assert!(output.status.success(), "{}", said(&output));
    let parent = built(&kernel, &["old", "new"], "parent.alp");
    let first = {
        let image = Image::open(&old).unwrap();
        let bytes = image
            .bytes(address(&old, "kernel5spare17h") + 4, 4)
            .unwrap();
        u32::from_le_bytes(bytes.try_into().unwrap())
    };
    let expect = format!("kernel::spare+0x4={first:08x}");
    let arguments = [
        "old",
        "new",
        "--hook",
        "post-apply=fix_up",
        "--expect",
        &expect,
        "--parent",
        "parent.alp",
        "--name",
        "second fix",
        "--may-be-running",
        "kernel::greet",
    ];
    let file = built(&kernel, &arguments, "fix.alp");
    let payload = Payload::parse(&file).unwrap();
    assert_eq!(payload.name(), "second fix");
    assert_eq!(payload.parent(), Payload::parse(&parent).unwrap().id());
    let hook = payload.header().hooks[HookKind::PostApply as usize];
    assert_ne!(hook, NONE);
    let symbol = payload
        .symbols()
        .find(|symbol| symbol.start == hook)
        .unwrap();
    assert_eq!(payload.text(symbol.name, symbol.name_len), "fix_up");
    // Its static is new, and writable.
    assert_eq!(payload.header().flags, 1);
    let expectation = payload.expectations().next().unwrap();
    assert_eq!(expectation.word, first);
    let shown = alt(
        &["livepatch", "show", "fix.alp", "--image", "old"],
        &kernel.path(""),
    );
    let text = String::from_utf8(shown.stdout).unwrap();
    for part in [
        "payload second fix, ",
        "hook post-apply: fix_up at +0x",
        "may be running: calls in progress finish in the old function",
        "data    is written",
        &format!("expects {first:08x} at kernel::spare+0x4"),
        "adds fix_up: ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }

    let refused = |more: &[&str], words: &str| {
        let all: Vec<_> = ["old", "new", "-o", "no.alp"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        let output = build(&kernel, &all);
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(said(&output).contains(words), "{more:?}: {}", said(&output));
        assert!(!kernel.path("no.alp").exists());
    };
    refused(
        &["--hook", "load=nothing"],
        "Load hook: nothing is no function",
    );
    refused(
        &["--hook", "later=fix_up"],
        "there is no hook later; there are load, pre-apply",
    );
    refused(&["--hook", "fix_up"], "write it as KIND=SYMBOL");
    refused(
        &["--expect", "nothing+0x4=0"],
        "nothing: there is no such function",
    );
    refused(
        &["--expect", "kernel::spare+0x10000000=0"],
        "is not an instruction of the old image",
    );
    refused(
        &["--expect", "kernel::spare=123456789"],
        "a word has 32 bits",
    );
    refused(
        &["--expect", "kernel::spare"],
        "write it as SYMBOL+OFFSET=WORD",
    );
    refused(
        &["--may-be-running", "kernel::spare"],
        "kernel::spare: there is no such function",
    );
    refused(&["--name", ""], "a payload's name has 1 to 127 bytes");
    refused(&["--parent", "old"], "the parent is no payload");
    kernel.build("other", &SOURCE.replace("hello", "hallo"));
    built(&kernel, &["other", "new"], "other.alp");
    refused(
        &["--parent", "other.alp"],
        "the parent is a payload for the image",
    );
}

/// Behaviour 1: nothing to patch has a status of its own.
#[test]
fn behaviour_1_the_same_source_makes_no_payload() {
    let Some(kernel) = Kernel::new("behaviour_1_the_same_source_makes_no_payload") else {
        return;
    };
    kernel.build("old", SOURCE);
    let output = build(&kernel, &["old", "old", "-o", "no.alp"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("no functional change"),
        "{}",
        said(&output)
    );
    assert!(!kernel.path("no.alp").exists());
}

/// Behaviour 14: another compiler, other flags or other cpucaps are refused before anything else is
/// compared.
#[test]
fn behaviour_14_another_compiler_flags_or_cpucaps_are_refused_first() {
    let Some(kernel) = Kernel::new("behaviour_14_another_compiler_flags_or_cpucaps") else {
        return;
    };
    kernel.build("old", SOURCE);
    kernel.build("new", &edited());
    let path = kernel.path("new.livepatch/build.toml");
    let text = fs::read_to_string(&path).unwrap();
    let toolchain = text
        .lines()
        .find(|line| line.starts_with("toolchain"))
        .unwrap();
    let options = text
        .lines()
        .find(|line| line.starts_with("options"))
        .unwrap();
    let cases = [
        (
            toolchain,
            "toolchain = [\"rustc version 1.96.0\"]".to_owned(),
            "compiler",
        ),
        (
            options,
            options.replace("--gc-sections", "--no-gc-sections"),
            "linker options",
        ),
        (
            toolchain,
            format!("{toolchain}\ncpucaps = \"0123456789abcdef\""),
            "cpucaps",
        ),
    ];
    for (from, to, what) in cases {
        fs::write(&path, text.replace(from, &to)).unwrap();
        let output = build(&kernel, &["old", "new", "-o", "no.alp"]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(3), "{what}: {said}");
        assert!(said.contains(what), "{what}: {said}");
        // Nothing about functions.
        assert!(
            !said.contains("greet") && said.contains("alt: no payload"),
            "{said}"
        );
        assert!(!kernel.path("no.alp").exists());
    }
}

#[test]
fn what_cannot_be_patched_makes_no_payload() {
    let Some(kernel) = Kernel::new("what_cannot_be_patched_makes_no_payload") else {
        return;
    };
    kernel.build("old", SOURCE);
    kernel.build(
        "new",
        &edited().replace("AtomicU32::new(1)", "AtomicU32::new(2)"),
    );
    let output = build(&kernel, &["old", "new", "-o", "no.alp"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("TICKS"), "{}", said(&output));
    assert!(said(&output).contains("  help: "), "{}", said(&output));
    assert!(!kernel.path("no.alp").exists());
}

/// The flags that `alt livepatch flags` prints are those of the documents and of the tests.
#[test]
fn flags_are_stated_once() {
    let output = alt(&["livepatch", "flags"], Path::new("."));
    let text = String::from_utf8(output.stdout).unwrap();
    let document = test_support::workspace().join("docs/livepatch.md");
    let document = fs::read_to_string(document).unwrap();
    assert!(
        document.contains(&format!("```toml\n{text}```")),
        "docs/livepatch.md lacks:\n{text}"
    );
    for flag in crate::kernel::FLAGS {
        let cargo = match flag
            .strip_prefix("-Ccodegen-units=")
            .or(flag.strip_prefix("-Cdebuginfo="))
        {
            Some(value) => format!(" = {value}\n"),
            None => format!("\"{flag}\""),
        };
        assert!(text.contains(&cargo), "{flag}");
    }
}

/// `alt verify` knows payloads by their description.
#[test]
fn a_payload_is_verified() {
    let Some(kernel) = Kernel::new("a_payload_is_verified") else {
        return;
    };
    kernel.build("old", SOURCE);
    kernel.build("new", &edited());
    let file = built(&kernel, &["old", "new"], "fix.alp");
    let verify = |arguments: &[&str]| {
        let all: Vec<_> = ["verify"].iter().chain(arguments).copied().collect();
        let output = alt(&all, &kernel.path(""));
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (status, text) = verify(&["fix.alp", "--image", "old"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(
        text.starts_with("clean: payload, ") && !text.contains("not checked"),
        "{text}"
    );
    let (status, text) = verify(&["fix.alp"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("not checked: against an image"), "{text}");
    let (status, text) = verify(&["fix.alp", "--image", "new"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(
        text.contains("error[payload-image]: the payload is for the image"),
        "{text}"
    );
    let allowed = verify(&["fix.alp", "--image", "new", "--allow", "payload-image"]);
    assert_eq!(allowed.0, Some(0));
    let (status, text) = verify(&["fix.alp", "--parent", "fix.alp", "--json"]);
    assert_eq!(status, Some(1));
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["findings"][0]["rule"], "payload-parent");
    fs::write(kernel.path("cut.alp"), &file[..file.len() / 2]).unwrap();
    let (status, text) = verify(&["cut.alp"]);
    assert_eq!(status, Some(1));
    assert!(text.contains("error[payload-truncated]"), "{text}");
}
