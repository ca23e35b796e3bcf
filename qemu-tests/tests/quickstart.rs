//! The README's quick start is a kernel that boots, word for word.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use qemu_tests::{Profile, Qemu, guest};

/// What the kernel prints on a CPU until it switches off.
fn printed(cpu: &str) -> String {
    let kernel = guest::build("quickstart", Profile::Release).unwrap();
    let mut qemu = Command::new(Qemu::binary_name())
        .args([
            "-machine", "virt", "-display", "none", "-nic", "none", "-monitor", "none",
        ])
        .args(
            std::env::var("QEMU_ARGS")
                .unwrap_or_default()
                .split_whitespace(),
        )
        .args(["-serial", "stdio", "-cpu", cpu, "-kernel"])
        .arg(kernel)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while qemu.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            qemu.kill().unwrap();
        }
        sleep(Duration::from_millis(20));
    }
    let mut text = String::new();
    qemu.stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    text
}

#[test]
fn patches_where_the_cpu_has_lse() {
    if qemu_tests::skip::without_guests("patches_where_the_cpu_has_lse") {
        return;
    }
    let text = printed("cortex-a76");
    assert_eq!(
        text,
        "2 of 2 sites rewritten: 8 words in 2 cache lines\ncounted to 42\n"
    );
}

#[test]
fn runs_as_it_is_where_it_has_not() {
    if qemu_tests::skip::without_guests("runs_as_it_is_where_it_has_not") {
        return;
    }
    let text = printed("cortex-a53");
    assert_eq!(
        text,
        "0 of 2 sites rewritten: 0 words in 0 cache lines\ncounted to 42\n"
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
