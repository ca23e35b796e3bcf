//! Where there is no pointer authentication, calls return by the shadow call stack, and an attack
//! on their return addresses fails.

use std::time::Duration;

use qemu_tests::{Machine, Profile, Qemu, console, guest, skip};

/// The lines of the guest, but for the number of functions, which depends on the compiler.
fn lines(cpu: &str) -> Vec<String> {
    let kernel = guest::build("shadow-guest", Profile::Release).unwrap();
    let (qemu, machine) = (Qemu::find().unwrap(), Machine::new(cpu));
    let text = console::run(&qemu, &machine, &kernel, Duration::from_secs(60)).unwrap();
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    for line in &mut lines {
        if let Some((start, _)) = line.split_once(" functions") {
            let digits = start.trim_end_matches(|c: char| c.is_ascii_digit()).len();
            line.replace_range(digits..start.len(), "N");
        }
    }
    lines
}

// Six calls, each of which signs: the calls of the guest are five deep.
const BEFORE: [&str; 2] = [
    "before: 6 calls returned, 0 of them on the shadow call stack",
    "attack: hijacked",
];

/// PACIASP, in the function that is excluded.
const FOREIGN: &str = "foreign: d503233f";

#[test]
fn return_addresses_are_safe_without_pointer_authentication() {
    if skip::without_guests("return_addresses_are_safe_without_pointer_authentication") {
        return;
    }
    // Armv8.0 (their TRMs).
    for cpu in ["cortex-a53", "cortex-a72"] {
        let after = [
            // Two functions that call each other, each with one way in and out.
            "4 sites rewritten, 0 were so already; N functions, 1 of them excluded",
            FOREIGN,
            "after: 6 calls returned, 6 of them on the shadow call stack",
            "attack: 6 calls returned",
        ];
        assert_eq!(lines(cpu), [&BEFORE[..], &after].concat(), "{cpu}");
    }
}

#[test]
fn text_stays_with_pointer_authentication() {
    if skip::without_guests("text_stays_with_pointer_authentication") {
        return;
    }
    let untouched = [
        "not wanted",
        FOREIGN,
        "after: 6 calls returned, 0 of them on the shadow call stack",
    ];
    // The attack ends at AUTIASP.
    let max = [&BEFORE[..], &untouched, &["fault"]].concat();
    assert_eq!(lines("max"), max);
    // Without it, but with landing pads, and PACIASP is a landing pad: unprotected.
    let landing = [&BEFORE[..], &untouched, &["attack: hijacked"]].concat();
    assert_eq!(lines("max,pauth=off"), landing);
}
