//! A run under the monitor.

use super::{Launch, OUTCOME, Outcome, SERIAL, Session};
use crate::observe::{CONFIG_AT, Monitor, Observation};
use crate::{Error, Image, LogLine, Memory, Profile, Qemu, Result, guest, log};
use std::{fs, path::PathBuf};
use tempfile::TempDir;

/// A run under the monitor that is being set up.
#[derive(Clone, Debug)]
pub struct Monitored<'a> {
    launch: Launch<'a>,
    monitor: Monitor,
}

/// The result of a guest under the monitor.
#[derive(Clone, Debug)]
pub struct MonitoredRun {
    /// Memory as loaded, before the first instruction.
    pub before: Memory,
    /// Memory after the guest has switched off.
    pub after: Memory,
    /// Its log; for a guest without defmt, its lines of text.
    pub log: Vec<LogLine>,
    /// The contents of `demo_outcome`, if the image has it.
    pub outcome: Option<Outcome>,
    /// The monitor's report.
    pub seen: Observation,
}

/// Files that QEMU loads, and arguments for it.
pub(super) struct Files {
    /// The monitor's ELF file, in place of the guest's.
    pub kernel: PathBuf,
    /// Further arguments.
    pub args: Vec<String>,
    /// The guest prints plain text instead of defmt frames.
    pub prints_text: bool,
}

impl<'a> Launch<'a> {
    /// The same run under the monitor at EL2; the guest is entered at EL1.
    pub fn under_monitor(mut self, monitor: Monitor) -> Monitored<'a> {
        self.machine.options += ",virtualization=on";
        // The monitor is at the end of that.
        self.machine.memory_mib = self.machine.memory_mib.max(256);
        Monitored {
            launch: self,
            monitor,
        }
    }
}

impl Monitored<'_> {
    /// Runs the guest to its end.
    ///
    /// # Errors
    /// As [`Launch::run`], except that `demo_outcome` may be missing; [`Error::Monitor`] if the
    /// monitor fails. A violation is not an error.
    pub fn run(mut self, qemu: &Qemu) -> Result<MonitoredRun> {
        let image = self.launch.image;
        let monitor = Image::open(&guest::build("el2-monitor", Profile::Release)?)?;
        let report_at = monitor.symbol("monitor_report")?;
        let size = size_of::<el2_monitor::layout::Report>() as u64;
        self.launch.capture.push(report_at..report_at + size);

        let folder = TempDir::new().map_err(Error::io("creating a temporary directory"))?;
        let config = folder.path().join("config");
        fs::write(&config, self.monitor.config(image)?)
            .map_err(Error::io("writing the monitor's configuration"))?;
        // A comma in a name is written twice.
        let name = |path: &std::path::Path| path.display().to_string().replace(',', ",,");
        let files = Files {
            kernel: monitor.path().to_owned(),
            args: vec![
                "-device".into(),
                format!("loader,file={}", name(image.path())),
                "-device".into(),
                format!(
                    "loader,file={},addr={CONFIG_AT:#x},force-raw=on",
                    name(&config)
                ),
            ],
            prints_text: false,
        };

        let mut session = Session::start(&self.launch, qemu, Some(files))?;
        let before = session.capture(&self.launch.capture)?;
        session.run_to_end(self.launch.timeout)?;
        let after = session.capture(&self.launch.capture)?;
        let seen = Observation::read(&after, report_at, image)?;
        let outcome = match image.symbol(OUTCOME) {
            Ok(at) => Some(Outcome::from_words(&after.words(at, 4)?)),
            Err(_) => None,
        };
        let log = match outcome {
            Some(_) => session.guest.log()?,
            None => log::text(
                &fs::read(session.guest.files.path().join(SERIAL))
                    .map_err(Error::io("reading the guest's log"))?,
            ),
        };
        Ok(MonitoredRun {
            before,
            after,
            log,
            outcome,
            seen,
        })
    }
}

#[cfg(test)]
mod tests;
