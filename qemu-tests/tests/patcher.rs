//! The patcher never patches itself: the routine that writes text and the one in which the other
//! CPUs wait contain no site and branch to no other function, in every build profile.

use qemu_tests::{Image, Profile, disasm, guest, sites};

/// The instructions of the function whose symbol ends like this.
fn function(image: &Image, name: &str) -> Vec<(u64, String)> {
    let text = image.sections().iter().filter(|section| section.executable);
    let mut found = Vec::new();
    for section in text {
        for (address, word) in section
            .range
            .clone()
            .step_by(4)
            .zip(section.bytes.chunks_exact(4))
        {
            if image
                .place(address)
                .is_some_and(|place| place.symbol.ends_with(name))
            {
                let word = u32::from_le_bytes(word.try_into().unwrap());
                found.push((address, disasm::instruction(word, address)));
            }
        }
    }
    found
}

#[test]
fn patcher_is_sufficient_in_itself() {
    if qemu_tests::skip::without_guests("patcher_is_sufficient_in_itself") {
        return;
    }
    for profile in Profile::ALL {
        let image = Image::open(&guest::build("kernel-demo", profile).unwrap()).unwrap();
        let records = sites::read(&image).unwrap();
        for (name, least) in [
            ("arch::commit::commit", 60),
            ("arch::wait::wait_if_requested", 10),
        ] {
            let code = function(&image, name);
            assert!(
                code.len() >= least,
                "{profile:?}: {name} has {} instructions",
                code.len()
            );
            let range = code[0].0..=code[code.len() - 1].0;
            for (address, text) in &code {
                let at = format!("{profile:?}, {name}, {address:#x}: {text}");
                let within = |record: &sites::Record| record.range().contains(address);
                assert!(!records.iter().any(within), "{at} is in a site");

                let mnemonic = text.split(' ').next().unwrap();
                // No call, no indirect branch but the return, no data of others.
                let leads_out = [
                    "bl", "blr", "br", "adr", "adrp", "svc", "hvc", "smc", "brk", "udf",
                ];
                assert!(!leads_out.contains(&mnemonic), "{at}");
                // The routine that waits publishes the stack pointer.
                let reads_sp = mnemonic == "mov" && text.ends_with(", sp");
                assert!(!text.contains("sp") || reads_sp, "{at} uses the stack");
                let is_branch = mnemonic.starts_with("b.")
                    || ["b", "cbz", "cbnz", "tbz", "tbnz"].contains(&mnemonic);
                if is_branch {
                    let target = text.rsplit("0x").next().unwrap();
                    let target = u64::from_str_radix(target, 16).expect(&at);
                    assert!(range.contains(&target), "{at} leaves the function");
                }
            }
            assert!(
                code.iter().any(|(_, text)| text.starts_with("ret")),
                "{name} returns"
            );
        }
    }
}
