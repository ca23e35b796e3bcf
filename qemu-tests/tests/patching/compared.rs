//! One kernel on one machine, raw and finished, with a note for the matrix.

use qemu_tests::Profile;
use qemu_tests::results::{self, Line, Trial, Verdict};

use crate::machines::TestMachine;
use crate::{Result, finished, kernel, qemu, words};

/// The whole comparison for one profile on one machine, raw and finished, noted for the matrix.
pub fn compare(profile: Profile, machine: &TestMachine) -> Result<()> {
    let mut caps = Vec::new();
    let image = kernel(profile)?;
    let judged = words::run(&image, machine.machine()).and_then(|run| {
        let judged = words::judge(&image, machine, &run, &mut caps)?;
        finished::is_as_raw(profile, machine, &image, &run)?;
        Ok(judged)
    });
    let (verdict, result) = match judged {
        Ok((patched, sites)) => (Verdict::Ok { patched, sites }, Ok(())),
        Err(why) => {
            let text = why.message().unwrap_or("no reason").to_owned();
            (Verdict::Failed(text), Err(why))
        }
    };
    results::note(&Line::Trial(Trial {
        qemu: qemu()?.version().to_string(),
        machine: machine.name(),
        profile: profile.name().into(),
        entry: machine.entry,
        verdict,
        caps,
    }))?;
    result
}
