//! Tests whose names are made at run time, so that each machine is a test of its own.

use std::sync::OnceLock;

use crate::{Image, Profile, Qemu, guest, skip};
use libtest_mimic::{Arguments, Failed, Trial};

/// The result of a trial.
pub type Result<T> = std::result::Result<T, Failed>;

/// Runs the trials that the command line selects, two at a time, and exits.
pub fn run(trials: Vec<Trial>) -> ! {
    let mut arguments = Arguments::from_args();
    // A machine per thread would only make them wait for each other.
    arguments.test_threads.get_or_insert(2);
    libtest_mimic::run(&arguments, trials).exit()
}

/// A trial that needs a guest. It is skipped where no guest can be built or run.
pub fn trial(name: impl Into<String>, test: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    let name = name.into();
    let shown = name.clone();
    Trial::test(name, move || match skip::without_guests(&shown) {
        true => Ok(()),
        false => test(),
    })
}

/// The QEMU of this machine, which is searched for once.
pub fn qemu() -> Result<&'static Qemu> {
    static QEMU: OnceLock<std::result::Result<Qemu, String>> = OnceLock::new();
    let found = QEMU.get_or_init(|| Qemu::find().map_err(|error| error.to_string()));
    found.as_ref().map_err(|error| Failed::from(error.as_str()))
}

/// kernel-demo, built in `profile`.
pub fn kernel(profile: Profile) -> Result<Image> {
    Ok(Image::open(&guest::build("kernel-demo", profile)?)?)
}
