//! The finished image of the same kernel, on the same machine: the text after its boot is the same, and is
//! that of `alt apply`.

use qemu_tests::{Freed, Image, Profile, Run, facts, guest};

use crate::computed::Known;
use crate::machines::TestMachine;
use crate::{Result, applied, words};

/// Boots it, if the tables do not stay raw. `of_raw` is the run of the `raw` image.
pub fn is_as_raw(profile: Profile, machine: &TestMachine, raw: &Image, of_raw: &Run) -> Result<()> {
    let Some(finished) = guest::finished("kernel-demo", profile)? else {
        // It has the smallest tables.
        return match profile {
            Profile::Size => Ok(()),
            _ => Err("the tables stay raw".into()),
        };
    };
    let image = Image::open(&finished)?;
    // The tag is random, and part of the text.
    let tag = raw.variable("hyp::layout::TAG").ok_or("no TAG")?;
    let tag = format!("hyp.tag={}", of_raw.after.word(tag)?);
    let run = words::run(&image, machine.machine().args(["-append", &tag]))?;
    if run.outcome != of_raw.outcome {
        let (finished, raw) = (run.outcome, of_raw.outcome);
        return Err(format!("finished: {finished:?}, raw: {raw:?}").into());
    }
    let facts: Vec<_> = facts::read(&run.log).collect();
    let gone = Freed::read(&image, &facts);
    for name in applied::TEXTS {
        let text = raw.section(name).ok_or(format!("no {name}"))?;
        let (start, len) = (text.range.start, text.bytes.len());
        let (finished, raw) = (
            run.after.bytes(start, len)?,
            of_raw.after.bytes(start, len)?,
        );
        if let Some(at) = finished.iter().zip(raw).position(|(a, b)| a != b) {
            let at = (start + at as u64) & !3;
            let place = image.place(at).map(|place| place.to_string());
            return Err(format!("finished and raw text differ at {at:#x} {place:?}").into());
        }
    }
    let said = words::registers(&facts);
    let known = Known::new(&image, machine.entry, &run.after, &said)?;
    applied::is_what_runs(&image, machine, &run, &said, &known, &gone)
}
