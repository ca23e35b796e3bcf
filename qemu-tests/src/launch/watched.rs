//! A run under the coherence plugin.

use super::{Launch, OUTCOME, Outcome, Run, Session};
use crate::{
    Error, Qemu, Result,
    coherence::{Coherence, Plugin, Seen},
    qmp::Silence,
};
use serde_json::json;
use tempfile::TempDir;

/// A run under the coherence plugin that is being set up.
#[derive(Clone, Debug)]
pub struct Watched<'a> {
    launch: Launch<'a>,
    coherence: Coherence,
}

/// The result of such a run.
#[derive(Clone, Debug)]
pub struct WatchedRun {
    /// The result of the guest.
    pub run: Run,
    /// The plugin's report.
    pub seen: Seen,
}

impl<'a> Launch<'a> {
    /// The same run, watched by the coherence plugin.
    pub fn watched_by(self, coherence: Coherence) -> Watched<'a> {
        Watched {
            launch: self,
            coherence,
        }
    }
}

impl Watched<'_> {
    /// Runs the guest to its end.
    ///
    /// # Errors
    /// As [`Launch::run`]; [`Error::NoPlugin`] when QEMU cannot load the plugin,
    /// [`Error::Coherence`] when the plugin fails. A violation is not an error.
    pub fn run(mut self, qemu: &Qemu) -> Result<WatchedRun> {
        let plugin = Plugin::find(qemu)?;
        let image = self.launch.image;
        let outcome_at = image.symbol(OUTCOME)?;
        let folder = TempDir::new().map_err(Error::io("creating a temporary directory"))?;
        let (config, report) = (folder.path().join("config"), folder.path().join("report"));
        self.coherence
            .config(image, report.clone())
            .write(&config)
            .map_err(|why| Error::Coherence {
                problem: why.to_string(),
            })?;
        let arguments = ["-plugin".into(), plugin.argument(&config)];
        self.launch.machine = self.launch.machine.args(arguments);

        let mut session = Session::start(&self.launch, qemu, None)?;
        let before = session.capture(&self.launch.capture)?;
        session.run_to_end(self.launch.timeout)?;
        let after = session.capture(&self.launch.capture)?;
        let run = Run {
            outcome: Outcome::from_words(&after.words(outcome_at, 4)?),
            log: session.guest.log()?,
            before,
            after,
        };
        session.quit()?;
        let seen = Seen::read(&report, image)?;
        Ok(WatchedRun { run, seen })
    }
}

impl Session<'_> {
    /// Makes QEMU exit by itself, because plugins write the end of their report only then.
    fn quit(&mut self) -> Result<()> {
        match self.qmp.execute("quit", json!({})) {
            // It may exit before it answers.
            Ok(_) | Err(Silence::Closed) => {}
            Err(why) => return Err(self.guest.failure(why)),
        }
        let ended = self.guest.process.wait();
        ended.map_err(Error::io("waiting for QEMU"))?;
        Ok(())
    }
}
