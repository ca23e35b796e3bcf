//! The cpucaps in the image of kernel-demo: the host decides as the kernel did.

use std::fs;

use alt_image::caps::{Caps, ids};
use qemu_tests::facts::{self, Fact};
use qemu_tests::{Image, Launch, Machine, Profile, Qemu, guest, skip};

/// The cpucaps in the image of kernel-demo, which must have one file.
fn caps(profile: Profile) -> Caps {
    let image = fs::read(guest::build("kernel-demo", profile).unwrap()).unwrap();
    let bytes = test_support::unloaded_section(&image, Caps::SECTION);
    let text = fs::read_to_string(test_support::workspace().join("cpucaps.toml")).unwrap();
    assert!(bytes.starts_with(text.as_bytes()), "{profile:?}");
    let mut found = Caps::from_section(&bytes).unwrap();
    assert_eq!(found.len(), 1, "{profile:?}");
    let caps = found.remove(0);
    // The text and a mark for each cap, with a NUL each: not twice from one crate. The two variants
    // of the hypervisor have it as well, where it is in an object that their link takes.
    let once = text.len() + caps.table().len() + 2;
    assert!(
        [once, 3 * once].contains(&bytes.len()),
        "{profile:?}: {}",
        bytes.len()
    );
    caps
}

#[test]
fn every_profile_has_the_text_once() {
    if skip::without_guests("every_profile_has_the_text_once") {
        return;
    }
    for profile in Profile::ALL {
        assert!(caps(profile).undecided().is_empty(), "{profile:?}");
    }
}

#[test]
fn the_host_decides_as_the_kernel_did() {
    if skip::without_guests("the_host_decides_as_the_kernel_did") {
        return;
    }
    let caps = caps(Profile::Release);
    let image = Image::open(&guest::build("kernel-demo", Profile::Release).unwrap()).unwrap();
    let qemu = Qemu::find().unwrap();
    for cpu in ["cortex-a53", "cortex-a76", "max"] {
        let run = Launch::new(&image, Machine::new(cpu)).run(&qemu).unwrap();
        // As a terminal shows it, and people save it.
        let log: String = run.log.iter().map(|line| format!("{line}\n")).collect();
        let machines = ids::read("guest.log", &log).unwrap_or_else(|error| panic!("{error}"));
        assert!(machines[0].missing.is_empty(), "{cpu}");
        let of_kernel: Vec<&str> = facts::read(&run.log)
            .filter_map(|fact| match fact {
                Fact::Cap(cap) if cap.present => Some(cap.name),
                _ => None,
            })
            .collect();
        let present = caps.detect(&machines[0].ids, "").unwrap();
        let of_host: Vec<&str> = present
            .iter()
            .filter_map(|cap| caps.name(cap.number()))
            .collect();
        assert!(of_host.len() > 5, "{cpu}: {of_host:?}");
        assert_eq!(of_host, of_kernel, "{cpu}");
    }
}
