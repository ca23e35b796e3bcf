//! The text that `alt apply` writes on the host is the text of the guest after it has patched
//! itself.

use alt_image::caps::{Caps, ids};
use alt_image::image::{Image as HostImage, Section};
use alt_image::patching::{Answers, Expectation, Word};
use alt_image::records::Records;
use alt_runtime::cap::idregs::Register;
use qemu_tests::results::Entry;
use qemu_tests::{Freed, Image, Run};

use crate::Result;
use crate::computed::{Known, OFFSET, TAG_BIT};
use crate::machines::{Registers, TestMachine};

/// The sections with sites.
pub const TEXTS: [&str; 3] = [".text", ".hyp.nvhe.text", ".hyp.vhe.text"];

/// Compares the text, byte by byte.
pub fn is_what_runs(
    image: &Image,
    machine: &TestMachine,
    run: &Run,
    said: &Registers,
    known: &Known,
    gone: &Freed,
) -> Result<()> {
    let host = HostImage::parse(image.file().to_vec())?;
    let records = Records::find(&host, None)?;
    let section = host.section(Caps::SECTION).ok_or("no cpucaps in it")?;
    let caps = Caps::from_section(host.contents(section))?;
    let [caps] = &caps[..] else {
        return Err(format!("{} tables of cpucaps", caps.len()).into());
    };
    let present = caps.detect(&registers(machine, said)?, "")?;
    let answers = answers(&host, known, machine.entry)?;
    let expectation = Expectation::new(&host, &records, caps.table(), &present, &answers)?;
    if let Some(left) = expectation.left.first() {
        return Err(format!("{left:?} has no answer").into());
    }
    let applied = HostImage::parse(expectation.write(&host)?)?;
    for name in TEXTS {
        let text = applied.section(name).ok_or(format!("no {name}"))?;
        if !gone.holds(text.range.start) {
            is_same(&applied, text, run)?;
        }
    }
    Ok(())
}

fn is_same(applied: &HostImage, text: &Section, run: &Run) -> Result<()> {
    let expected = applied.contents(text);
    let found = run.after.bytes(text.range.start, expected.len())?;
    match expected.iter().zip(found).position(|(a, b)| a != b) {
        None => Ok(()),
        Some(offset) => {
            let address = (text.range.start + offset as u64) & !3;
            let place = applied.place(address).map(|place| place.to_string());
            Err(format!("applied and patched text differ at {address:#x} {place:?}").into())
        }
    }
}

/// The registers that come with `alt`, if it has the machine; otherwise those that the guest has
/// read.
fn registers(machine: &TestMachine, said: &Registers) -> Result<alt_runtime::cap::IdRegs> {
    // With an EL2, ID_AA64PFR0_EL1 says so; `alt` knows the machines without.
    if machine.registers.is_some() && machine.entry == Entry::El1 {
        return Ok(ids::builtin(&machine.of_alt()?)?.ids);
    }
    let known = said.iter().filter_map(|(name, value)| {
        let register = Register::ALL.iter().find(|known| known.name() == name);
        Some((*register?, *value))
    });
    Ok(known.collect())
}

/// The results of kernel-demo's callbacks, from their inputs. The words are as GNU as has them;
/// registers are the compiler's choice.
fn answers(image: &HostImage, known: &Known, entry: Entry) -> Result<Answers> {
    const RD: u32 = 0x1f;
    const RD_RN: u32 = 0x3ff;
    const RD_RN_RM: u32 = 0x1f_03ff;
    let mut answers = Answers::none();
    let mut set = |name: &str, words: &[(u32, u32)]| {
        let words = words.iter().map(|(value, keep)| Word {
            value: *value,
            keep: *keep,
        });
        answers.set(name, words.collect());
    };
    // hvc #0, or smc #0
    let conduit = match entry {
        Entry::El1 => 0xd400_0002,
        Entry::El2 => 0xd400_0003,
    };
    set("CONDUIT", &[(conduit, 0)]);
    // mov xD, #24
    set("LOOP_COUNT", &[(0xd280_0300, RD)]);
    // nop
    set("SKIP", &[(0xd503_201f, 0)]);
    // movz xD, #…; movk xD, #…, lsl #16, #32, #48
    for (name, value) in [
        ("OFFSET", OFFSET),
        ("HYP_OFFSET", known.tag << TAG_BIT),
        ("HYP_CACHE_TYPE", known.cache_type),
    ] {
        let part = |number: u64| ((value >> (16 * number)) as u32 & 0xffff) << 5;
        set(
            name,
            &[
                (0xd280_0000 | part(0), RD),
                (0xf2a0_0000 | part(1), RD),
                (0xf2c0_0000 | part(2), RD),
                (0xf2e0_0000 | part(3), RD),
            ],
        );
    }
    // movz x0, #…; movk x0, #…, lsl #16, #32; br x0. Each variant goes to its own.
    for variant in ["nvhe", "vhe"] {
        let name = format!("__hyp_{variant}_vectors");
        let vectors = image.symbols().find(&name).next();
        let vectors = vectors.ok_or("no vectors")?.range.start;
        // The vector of a call is the ninth, and the site its second instruction.
        let site = vectors + 8 * 0x80 + 4;
        let place = image.place(site).ok_or("the vectors have no place")?;
        let to = known.enter(site)?;
        let part = |number: u64| ((to >> (16 * number)) as u32 & 0xffff) << 5;
        set(
            &place.to_string(),
            &[
                (0xd280_0000 | part(0), 0),
                (0xf2a0_0000 | part(1), 0),
                (0xf2c0_0000 | part(2), 0),
                (0xd61f_0000, 0),
            ],
        );
    }
    let tag = known.tag as u32;
    set(
        "HYP_ADDRESS",
        &[
            (0x9240_9800, RD_RN),                             // and xD, xN, #0x7fffffffff
            (0x93c0_9c00, RD_RN_RM),                          // ror xD, xN, #39
            (0x9100_0000 | (tag & 0xfff) << 10, RD_RN),       // add xD, xN, #…
            (0x9140_0000 | (tag >> 12 & 0xfff) << 10, RD_RN), // add xD, xN, #…, lsl #12
            (0x93c0_6400, RD_RN_RM),                          // ror xD, xN, #25
        ],
    );
    Ok(answers)
}
