//! The README's quick start is a kernel that boots, word for word.

mod serial;

use std::fs;

use qemu_tests::guest;
use serial::printed;

#[test]
fn patches_where_the_cpu_has_lse() {
    if qemu_tests::skip::without_guests("patches_where_the_cpu_has_lse") {
        return;
    }
    let text = printed("quickstart", "cortex-a76");
    assert_eq!(
        text,
        "2 of 2 sites rewritten: 8 words in 2 cache lines\nok: counted to 42\n"
    );
}

#[test]
fn runs_as_it_is_where_it_has_not() {
    if qemu_tests::skip::without_guests("runs_as_it_is_where_it_has_not") {
        return;
    }
    let text = printed("quickstart", "cortex-a53");
    assert_eq!(
        text,
        "0 of 2 sites rewritten: 0 words in 0 cache lines\nok: counted to 42\n"
    );
}

#[test]
fn readme_shows_it_word_for_word() {
    let read = |path: &str| fs::read_to_string(guest::workspace().join(path)).unwrap();
    let source = read("examples/quickstart/src/kernel.rs");
    let shown = source.split_once("// quick start\n").unwrap().1;
    let shown = shown.split_once("// quick start end\n").unwrap().0;
    assert!(read("README.md").contains(&format!("```rust\n{shown}```\n")));
}
