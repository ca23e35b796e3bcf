//! The model of a word, for sequences of operations.

use el2_monitor::words::{Caches, Page, State, Word, line};

const A53: u64 = 0x8444_8004;
const IDC: u64 = 1 << 28;
const DIC: u64 = 1 << 29;

/// d: DC. i: IC IVAU or IALLUIS, 0: IC IALLU on CPU 0. 1: CPU 1 starts. w: a store.
fn after(steps: &str, idc: u8) -> Word {
    let mut word = Word::CLEAN;
    for step in steps.chars() {
        word = match step {
            'w' => Word::WRITTEN,
            'd' => word.cleaned(),
            'i' => word.invalidated(0xff, idc),
            '0' => word.invalidated(1, idc),
            '1' => word.started(1),
            other => panic!("{other}"),
        };
    }
    word
}

#[test]
fn order_decides() {
    let caches = Caches::new(A53);
    for (steps, on_0, on_1) in [
        ("", None, None),
        ("w", Some(State::Dirty), Some(State::Dirty)),
        ("wd", Some(State::Cleaned), Some(State::Cleaned)),
        ("wi", Some(State::Invalidated), Some(State::Invalidated)),
        ("wid", Some(State::CleanedLate), Some(State::CleanedLate)),
        ("widi", None, None),
        ("wdi", None, None),
        ("wdd", Some(State::Cleaned), Some(State::Cleaned)),
        ("wdiw", Some(State::Dirty), Some(State::Dirty)),
        // IC IALLU is for the CPU that executes it.
        ("wd0", None, Some(State::Cleaned)),
        ("wd0i", None, None),
        // A CPU that starts has an empty instruction cache, but fetches what is behind the
        // data caches of the others.
        ("wd01", None, None),
        ("w1", Some(State::Dirty), Some(State::Dirty)),
    ] {
        let word = after(steps, 0);
        assert_eq!(word.state(0, caches), on_0, "{steps} on CPU 0");
        assert_eq!(word.state(1, caches), on_1, "{steps} on CPU 1");
    }
}

#[test]
fn each_cpu_needs_what_it_says() {
    let (plain, idc) = (Caches::new(A53), Caches::new(A53 | IDC));
    let both = Caches::new(A53 | IDC | DIC);
    // CPU 0 has IDC, CPU 1 has not.
    for (steps, on_0, on_1) in [
        ("w", Some(State::Cleaned), Some(State::Dirty)),
        ("wi", None, Some(State::Invalidated)),
        ("wid", None, Some(State::CleanedLate)),
        ("wdi", None, None),
    ] {
        let word = after(steps, 1);
        assert_eq!(word.state(0, idc), on_0, "{steps} on CPU 0");
        assert_eq!(word.state(1, plain), on_1, "{steps} on CPU 1");
        assert_eq!(word.state(0, both), None, "{steps} with DIC");
    }
    // DIC alone asks for a clean all the same.
    let dic = Caches::new(A53 | DIC);
    assert_eq!(after("w", 0).state(0, dic), Some(State::Dirty));
    assert_eq!(after("wd", 0).state(0, dic), None);
}

#[test]
fn cache_type_is_read_by_its_fields() {
    let a64fx = Caches::new(0x8666_8006);
    assert_eq!((a64fx.data_line, a64fx.instruction_line), (256, 256));
    let v1 = Caches::new(0xb444_c004);
    assert_eq!((v1.data_line, v1.instruction_line), (64, 64));
    assert!(v1.idc && v1.dic && !a64fx.idc && !a64fx.dic);
    // DminLine and IminLine differ.
    let mixed = Caches::new(0x8443_8005);
    assert_eq!((mixed.data_line, mixed.instruction_line), (32, 128));
}

#[test]
fn page_changes_the_words_that_are_touched() {
    let caches = Caches::new(A53);
    let mut page = Page::new(Word::CLEAN);
    assert!(page.is_clean(0, caches) && !page.is_written());
    // From the last byte of one word to the first of the next but one.
    page.change(0x103, 0x109, |_| Word::WRITTEN);
    let written: Vec<_> = (0..1024)
        .filter(|index| page.words()[*index] == Word::WRITTEN)
        .collect();
    assert_eq!(written, [0x40, 0x41, 0x42]);
    assert_eq!(page.word(0x10b), Word::WRITTEN);
    assert!(!page.is_clean(0, caches));
    // A range beyond the page has no effect.
    page.change(0xffc, 0x1010, |_| Word::WRITTEN);
    page.change(0x1000, 0x1010, |_| Word::CLEAN);
    assert_eq!(page.word(0xffc), Word::WRITTEN);
    page.change(0, u64::MAX, |_| Word::WRITTEN);
    assert!(page.is_written());
    assert_eq!(line(0x1234, 64), (0x1200, 0x1240));
}
