//! Every word of the text of a healthy kernel is right, and no other one would be.

use alt_image::diff::{Comparison, Memory, Selection, compare};
use alt_image::evidence::Evidence;
use alt_image::image::Image;
use alt_image::memory::{caps, locate};
use alt_image::names::CapNames;
use alt_image::patching::{Answers, Expectation};
use alt_image::records::Records;
use alt_image::rewritten::Rewritten;
use alt_runtime::cap::{Cap, CapSet};

use crate::kernel::{self, BASE, Running, WORDS, at};

const NONE: [u64; 0] = [];

struct Kernel {
    image: Image,
    records: Records,
    expected: Expectation,
}

impl Kernel {
    fn new() -> Self {
        Self::of(&kernel::image())
    }

    fn of(elf: &test_support::elf_file::Elf) -> Self {
        let image = Image::parse(elf.bytes()).unwrap();
        let records = Records::find(&image, None).unwrap();
        let table = CapNames::default().table();
        let present: CapSet = [5, 6, 7]
            .map(|cap| Cap::new(cap, true))
            .into_iter()
            .collect();
        let expected =
            Expectation::new(&image, &records, table, &present, &Answers::none()).unwrap();
        Self {
            image,
            records,
            expected,
        }
    }

    fn compare(&self, running: &Running, slide: u64, sites: bool) -> Comparison {
        let dump = [Memory {
            base: BASE,
            bytes: &running.bytes,
        }];
        let doubleword = |at| dump[0].doubleword(at);
        let rewritten = Rewritten::new(&self.image, slide, doubleword);
        let selection = Selection {
            sites,
            ..Selection::default()
        };
        let (image, records) = (&self.image, &self.records);
        compare(
            image,
            records,
            &self.expected,
            &rewritten,
            &dump,
            &selection,
        )
        .unwrap()
    }
}

/// The addresses of wrong words.
fn wrong(comparison: &Comparison) -> Vec<u64> {
    let words = comparison.differences.iter().flat_map(|it| &it.words);
    words.map(|word| word.address).collect()
}

#[test]
fn a_healthy_kernel_is_clean() {
    let kernel = Kernel::new();
    for slide in [0, 0x20_0000, 0_u64.wrapping_sub(0x1000)] {
        let comparison = kernel.compare(&Running::new(slide), slide, false);
        assert_eq!(wrong(&comparison), NONE, "{slide:#x}");
        // All but the site of the callback; the init region has been freed.
        assert_eq!(comparison.compared, WORDS - 1);
        assert!(comparison.sections[1].given_back);
    }
    // Nothing is traced, and no key is in the other state.
    let mut running = Running::new(0);
    let text = kernel::patched();
    for index in [
        kernel::ENTRY,
        kernel::LIKELY,
        kernel::UNLIKELY,
        kernel::CALL,
    ] {
        for index in [index, index + 1] {
            running.set(at(index), text[index]);
        }
    }
    assert_eq!(wrong(&kernel.compare(&running, 0, false)), NONE);
    let regs = kernel::branch(true, kernel::ENTRY_BTI + 1, kernel::REGS_CALLER);
    running.set(at(kernel::ENTRY_BTI + 1), regs);
    assert_eq!(wrong(&kernel.compare(&running, 0, false)), NONE);
}

#[test]
fn each_flipped_word_is_the_one_difference() {
    let kernel = Kernel::new();
    let slide = 0x20_0000;
    let good = Running::new(slide);
    for index in 0..WORDS {
        if index == kernel::CALLBACK {
            continue;
        }
        for bit in [0, 5, 16, 31] {
            let mut running = Running::new(slide);
            running.set(at(index), good.word(at(index)) ^ 1 << bit);
            let comparison = kernel.compare(&running, slide, false);
            assert_eq!(wrong(&comparison), [at(index)], "word {index}, bit {bit}");
        }
    }
}

#[test]
fn what_is_legal_elsewhere_is_not_legal_here() {
    let kernel = Kernel::new();
    let (entry, likely) = (kernel::ENTRY, kernel::LIKELY);
    for (index, word) in [
        // In the place of the other.
        (entry, kernel::branch(true, entry, kernel::CALLER)),
        (entry + 1, kernel::SAVE),
        // To another function, and without a link.
        (entry + 1, kernel::branch(true, entry + 1, 0)),
        (entry + 1, kernel::branch(false, entry + 1, kernel::CALLER)),
        (likely, kernel::branch(false, likely, kernel::LABEL + 1)),
        (likely, kernel::branch(true, likely, kernel::LABEL)),
        // Into a function.
        (kernel::CALL, kernel::branch(true, kernel::CALL, 1)),
        // A pointer that was not relocated.
        (kernel::POINTER, 0),
        // The other arm.
        (kernel::SITES, kernel::text()[kernel::SITES]),
        (kernel::LABEL, kernel::NOP),
    ] {
        let mut running = Running::new(0);
        running.set(at(index), word);
        let comparison = kernel.compare(&running, 0, false);
        assert_eq!(wrong(&comparison), [at(index)], "{word:#x} at word {index}");
    }
}

#[test]
fn entries_with_a_pointer_before_the_function() {
    // From Linux 6.3: the table has the address of two NOPs before the function.
    let mut text = kernel::text();
    text[kernel::ENTRY_BTI - 1] = kernel::NOP;
    // Literal, function; literal, landing pad, function.
    let first = kernel::ENTRY;
    text[first..first + 4].fill(kernel::NOP);
    let second = kernel::ENTRY_BTI;
    text[second..second + 5].fill(kernel::NOP);
    text[second + 2] = kernel::BTI_C;
    let mut elf = kernel::image();
    elf.section(".text").bytes = test_support::elf_file::words(&text);
    let ops = kernel::BSS + 0x100;
    elf.symbol("ftrace_nop_ops", 1, 5, ops, 8);
    let kernel = Kernel::of(&elf);
    let slide = 0x20_0000;
    let mut running = Running::new(slide);
    for (index, word) in text.iter().enumerate() {
        if (first..first + 4).contains(&index) || (second - 1..second + 5).contains(&index) {
            running.set(at(index), *word);
        }
    }
    assert_eq!(wrong(&kernel.compare(&running, slide, false)), NONE);
    let caller = |index| kernel::branch(true, index, kernel::CALLER);
    let value = ops + slide;
    for (index, word) in [
        (first, value as u32),
        (first + 1, (value >> 32) as u32),
        (first + 2, kernel::SAVE),
        (first + 3, caller(first + 3)),
        (second, value as u32),
        (second + 1, (value >> 32) as u32),
        (second + 3, kernel::SAVE),
        (second + 4, caller(second + 4)),
    ] {
        running.set(at(index), word);
        assert_eq!(wrong(&kernel.compare(&running, slide, false)), NONE);
    }
    for index in first..first + 4 {
        let old = running.word(at(index));
        running.set(at(index), old ^ 8);
        let found = kernel.compare(&running, slide, false);
        assert_eq!(wrong(&found), [at(index)]);
        running.set(at(index), old);
    }
    running.set(at(second + 2), kernel::SAVE);
    let found = kernel.compare(&running, slide, false);
    assert_eq!(wrong(&found), [at(second + 2)]);
}

#[test]
fn calls_of_mcount_become_nops() {
    let mut text = kernel::text();
    let entry = kernel::ENTRY;
    text[entry] = kernel::branch(true, entry, 450);
    let mut elf = kernel::image();
    elf.section(".text").bytes = test_support::elf_file::words(&text);
    let kernel = Kernel::of(&elf);
    let mut running = Running::new(0);
    running.set(at(entry + 1), text[entry + 1]);
    for (word, is_right) in [
        (text[entry], true),
        (kernel::NOP, true),
        (kernel::branch(true, entry, kernel::CALLER), true),
        (kernel::branch(true, entry, 451), false),
        (kernel::SAVE, false),
    ] {
        running.set(at(entry), word);
        let found = kernel.compare(&running, 0, false);
        assert_eq!(wrong(&found).is_empty(), is_right, "{word:#x}");
    }
}

#[test]
fn sites_alone_include_replacements_and_the_words_beside_callbacks() {
    let kernel = Kernel::new();
    let good = kernel.compare(&Running::new(0), 0, true);
    // Sites, replacements, and four words on each side of the callback; two of them are a site's.
    assert_eq!((wrong(&good), good.compared), (vec![], 22 + 20 + 6));
    for (index, is_seen) in [
        (kernel::SITES + 3, true),
        (kernel::REPLACEMENTS + 19, true),
        (kernel::CALLBACK - 1, true),
        (kernel::CALLBACK + 4, true),
        (kernel::CALLBACK + 5, false),
        (kernel::LABEL, false),
    ] {
        let mut running = Running::new(0);
        running.set(at(index), 0);
        let found = kernel.compare(&running, 0, true);
        let expected = if is_seen { vec![at(index)] } else { vec![] };
        assert_eq!(wrong(&found), expected, "word {index}");
    }
}

#[test]
fn cpucaps_are_in_memory_or_follow_from_the_words() {
    let kernel = Kernel::new();
    let mut running = Running::new(0);
    let numbers = |set: &CapSet| set.iter().map(Cap::number).collect::<Vec<_>>();
    let read = |running: &Running, len: usize| {
        let memory = Memory {
            base: BASE,
            bytes: &running.bytes[..len],
        };
        caps::read(&kernel.image, &[memory])
    };
    let all = running.bytes.len();
    let found = read(&running, all).unwrap();
    assert_eq!(
        (numbers(&found.present), found.symbol),
        (vec![5, 6], "cpu_hwcaps")
    );
    // Those of the boot CPU, and numbers of the second word.
    running.set(kernel::BSS + 8, 1 << 3);
    running.set(kernel::BSS + 16, 1 << 2);
    assert_eq!(
        numbers(&read(&running, all).unwrap().present),
        [2, 5, 6, 67]
    );
    assert_eq!(read(&running, 0x4008), None);

    let evidence = |running: &Running| {
        let word = |address| Some(running.word(address));
        Evidence::new(&kernel.image, &kernel.records, word).unwrap()
    };
    assert_eq!(numbers(&evidence(&running).present()), [5, 6]);
    // One of the twenty sites is as linked, one has another word.
    running.set(at(kernel::SITES), kernel::text()[kernel::SITES]);
    running.set(at(kernel::SITES + 1), 0);
    let votes = evidence(&running).0[&5];
    assert_eq!((votes.present, votes.absent, votes.neither), (18, 1, 1));
    let none = CapSet::new();
    let found = evidence(&running);
    let against: Vec<u16> = found.against(&none).map(|(cap, _)| cap).collect();
    assert_eq!(against, [5, 6]);
}

#[test]
fn the_place_and_the_slide_are_found() {
    let kernel = Kernel::new();
    let stable = |address: u64| {
        let index = (address - BASE) as usize / 4;
        index < WORDS && kernel::text()[index] == Running::new(0).word(address)
    };
    for slide in [0, 0x20_0000, 0x7f00_0000_0000] {
        let running = Running::new(slide);
        for before in [0, 4, 0x1234] {
            let memory = [vec![0xee; before], running.bytes.clone()].concat();
            let base = locate::base(&kernel.image, &memory, stable);
            assert_eq!(base, Some(BASE - before as u64));
            let dump = [Memory {
                base: BASE - before as u64,
                bytes: &memory,
            }];
            let found = locate::slide(&kernel.image, &dump).map(|found| found.0);
            assert_eq!(found, Some(slide));
        }
    }
    assert_eq!(locate::base(&kernel.image, &[0; 4096], stable), None);
    // A few equal words are a coincidence.
    let running = Running::new(0);
    assert_eq!(
        locate::base(&kernel.image, &running.bytes[..64], stable),
        None
    );
}
