//! `alt diff` on a kernel that has applied payloads. The memory is put together here, by the formulas
//! of the Arm ARM.

use std::fs;
use std::path::Path;

use alt_runtime::livepatch::Payload;
use alt_runtime::livepatch::format::Function;
use test_support::Image;

use crate::kernel::{Kernel, SOURCE, alt, said};
use crate::payload::{built, edited, loaded};

/// Text of a kernel, and of payloads that have been applied.
struct Memory {
    base: u64,
    text: Vec<u8>,
    anchor: u64,
}

impl Memory {
    fn new(image: &Path) -> Self {
        let image = Image::open(image).unwrap();
        let text = image.section(".text").unwrap();
        Self {
            base: text.range.start,
            text: text.bytes.to_vec(),
            anchor: image.section(".note.gnu.build-id").unwrap().range.start,
        }
    }

    fn poke(&mut self, address: u64, word: u32) {
        let at = (address - self.base) as usize;
        self.text[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }

    fn old(&self, function: &Function) -> u64 {
        self.anchor
            .wrapping_add_signed(i64::from(function.old as i32))
    }

    /// Writes the branches of a payload at `base`.
    fn apply(&mut self, file: &[u8], base: u64) {
        let payload = Payload::parse(file).unwrap();
        for function in payload.functions() {
            let from = self.old(&function);
            let distance = (base + u64::from(function.new)).wrapping_sub(from);
            self.poke(from, 0b000101 << 26 | (distance >> 2) as u32 & 0x3ff_ffff);
        }
    }
}

/// The memory of a payload's text.
fn text_of(file: &[u8], base: u64, anchor: u64) -> Vec<u8> {
    let payload = Payload::parse(file).unwrap();
    let words = loaded(&payload, base, anchor);
    words.values().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn a_livepatched_kernel_compares_clean() {
    let Some(kernel) = Kernel::new("a_livepatched_kernel_compares_clean") else {
        return;
    };
    let old = kernel.build("old", SOURCE);
    kernel.build("new", &edited());
    kernel.build("newer", &edited().replace("good day", "good night"));
    let first = built(&kernel, &["old", "new"], "1.alp");
    let second = built(&kernel, &["old", "newer", "--parent", "1.alp"], "2.alp");
    let diff = |memory: &Memory, payload: Option<(u64, &[u8])>, more: &[&str]| {
        fs::write(kernel.path("text"), &memory.text).unwrap();
        let base = format!("{:#x}", memory.base);
        let mut arguments = vec![
            "diff", "old", "--caps", "", "--dump", "text", "--base", &base,
        ];
        let at = payload.map_or(0, |(at, _)| at);
        let at = format!("{at:#x}");
        if let Some((_, bytes)) = payload {
            fs::write(kernel.path("payload text"), bytes).unwrap();
            arguments.extend(["--dump", "payload text", "--base", &at]);
        }
        arguments.extend(more);
        let output = alt(&arguments, &kernel.path(""));
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &said(&output);
        (output.status.code(), text)
    };
    let (one, two) = (0x100_0000, 0x120_0000);
    let mut memory = Memory::new(&old);
    memory.apply(&first, one);
    let functions = Payload::parse(&first).unwrap().functions().count();

    // Without the payload, each entry is a difference of a word.
    let (status, text) = diff(&memory, None, &["--payload", "2.alp"]);
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("2.alp: the payload builds on "), "{text}");
    let (status, text) = diff(&memory, None, &["--payload", "1.alp"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(
        text.contains("nothing of payload 1 is in the dump"),
        "{text}"
    );
    let mut text_1 = text_of(&first, one, memory.anchor);
    let (status, text) = diff(&memory, Some((one, &text_1)), &["--payload", "1.alp"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(!text.contains("nothing of"), "{text}");
    let at = format!("1.alp@{one:#x}");
    assert_eq!(
        diff(&memory, Some((one, &text_1)), &["--payload", &at]).0,
        Some(0)
    );

    // A word of the payload, and another branch, are found where they are.
    text_1[8] ^= 1;
    let (status, text) = diff(&memory, Some((one, &text_1)), &["--payload", "1.alp"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("text 0x1000008 1: kernel::"), "{text}");
    assert!(text.contains("1 of "), "{text}");
    let at = format!("1.alp@{two:#x}");
    let (status, text) = diff(&memory, None, &["--payload", &at]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains(&format!("{functions} of ")), "{text}");

    // Stacked: the branches of the second hide those of the first.
    memory.apply(&second, two);
    let both = ["--payload", "1.alp", "--payload", "2.alp"];
    let text_2 = text_of(&second, two, memory.anchor);
    let (status, text) = diff(&memory, Some((two, &text_2)), &both);
    assert_eq!(status, Some(0), "{text}");
    let (status, text) = diff(&memory, None, &["--payload", "2.alp", "--payload", "1.alp"]);
    assert_eq!(status, Some(2), "{text}");

    // A payload that is not applied to this kernel.
    let fresh = Memory::new(&old);
    let (status, text) = diff(&fresh, None, &["--payload", "1.alp"]);
    assert_eq!(status, Some(2), "{text}");
    assert!(
        text.contains("1.alp: the payload is not applied: the entry of "),
        "{text}"
    );
    let (status, text) = diff(&fresh, None, &["--payload", "old"]);
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("old: not a payload: "), "{text}");
    kernel.build("other", &SOURCE.replace("hello", "hallo"));
    built(&kernel, &["other", "new"], "other.alp");
    let (status, text) = diff(&fresh, None, &["--payload", "other.alp"]);
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("the payload is for the image "), "{text}");
    let (status, text) = diff(&fresh, None, &["--payload", "1.alp@0x40000000"]);
    assert_eq!(status, Some(2), "{text}");
    assert!(
        text.contains("cannot be reached from the old function"),
        "{text}"
    );
}
