//! `alt livepatch build` and `show`, from two builds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use alt_runtime::livepatch::Payload;
use alt_runtime::livepatch::format::BASE_IMAGE;
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

pub fn build(kernel: &Kernel, arguments: &[&str]) -> Output {
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
pub fn address(image: &Path, part: &str) -> u64 {
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
        text.contains("parent  none: it is applied to the image itself"),
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
