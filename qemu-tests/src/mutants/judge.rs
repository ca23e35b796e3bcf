//! The verdicts of the observers about a mutant, and about the unchanged patcher.

use super::{Mutant, Observer, sequence, system::System};
use crate::coherence::Coherence;
use crate::observe::Monitor;
use crate::{Error, Image, Launch, Machine, MonitoredRun, Qemu, Result, Status, WatchedRun};

/// The verdicts of the observers about a mutant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The observers that noticed, and their first violation.
    pub noticed: Vec<(Observer, String)>,
    /// The observers that had to notice and did not.
    pub missed: Vec<Observer>,
    /// The observers that were not available.
    pub absent: Vec<Observer>,
}

impl Verdict {
    /// Whether no observer noticed, or one that had to did not.
    pub fn survives(&self) -> bool {
        self.noticed.is_empty() || !self.missed.is_empty()
    }
}

impl Mutant {
    /// Runs the mutant under the observers that are available. The plugin is, if QEMU can load it.
    ///
    /// # Errors
    /// The mutant cannot be made from this image, or the guest does not end.
    pub fn judge(&self, image: &Image, qemu: &Qemu) -> Result<Verdict> {
        let spoilt = self.spoil(image)?;
        let mut verdict = Verdict::default();
        for observer in self.observers {
            let said = match observer {
                Observer::Monitor => run(spoilt.image(), self.machine(), self.monitor(), qemu)?
                    .seen
                    .violations
                    .first()
                    .map(ToString::to_string),
                Observer::Sequence => sequence(spoilt.image()).err(),
                Observer::Kernel => {
                    let run = Launch::new(spoilt.image(), self.machine()).run(qemu)?;
                    let mut errors = run.log.iter();
                    let error = errors.find(|line| line.is_error());
                    let said = || error.map_or_else(String::new, |line| line.message.clone());
                    (run.outcome.status != Status::Ok).then(said)
                }
                Observer::Plugin => match watch(spoilt.image(), self.machine(), qemu)? {
                    Some(watched) => watched.seen.violations.first().map(ToString::to_string),
                    None => {
                        verdict.absent.push(*observer);
                        continue;
                    }
                },
            };
            match said {
                Some(said) => verdict.noticed.push((*observer, said)),
                None => verdict.missed.push(*observer),
            }
        }
        Ok(verdict)
    }
}

/// The violations of the unchanged patcher, on the machines of the mutants.
///
/// # Errors
/// The guest fails: then a run without violations proves nothing.
pub fn real(image: &Image, qemu: &Qemu) -> Result<Vec<(Observer, String)>> {
    let mut said: Vec<_> = sequence(image)
        .err()
        .map(|problem| (Observer::Sequence, problem))
        .into_iter()
        .collect();
    for system in System::FOR_MONITOR {
        let run = run(image, system.machine(), system.monitor(), qemu)?;
        if run.outcome.map(|outcome| outcome.status) != Some(Status::Ok) {
            return Err(Error::Monitor {
                problem: "the guest failed under it; see its log".into(),
            });
        }
        let violations = run.seen.violations.iter();
        said.extend(violations.map(|found| (Observer::Monitor, found.to_string())));
    }
    for system in System::FOR_PLUGIN {
        let Some(watched) = watch(image, system.machine(), qemu)? else {
            break;
        };
        if watched.run.outcome.status != Status::Ok {
            return Err(Error::Coherence {
                problem: "the guest failed under it; see its log".into(),
            });
        }
        let violations = watched.seen.violations.iter();
        said.extend(violations.map(|found| (Observer::Plugin, found.to_string())));
    }
    Ok(said)
}

fn run(image: &Image, machine: Machine, monitor: Monitor, qemu: &Qemu) -> Result<MonitoredRun> {
    Launch::new(image, machine).under_monitor(monitor).run(qemu)
}

/// A run under the plugin, where QEMU can load it.
fn watch(image: &Image, machine: Machine, qemu: &Qemu) -> Result<Option<WatchedRun>> {
    let watched = Launch::new(image, machine).watched_by(Coherence::new());
    match watched.run(qemu) {
        Ok(watched) => Ok(Some(watched)),
        Err(Error::NoPlugin { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}
