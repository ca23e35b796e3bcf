//! One guest run: starts QEMU with stopped CPUs, reads memory, starts the CPUs, waits for the end,
//! reads memory again.

use crate::{
    Error, Image, LogLine, Machine, Memory, Qemu, Result, log,
    process::Process,
    qmp::{Qmp, Silence},
};
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io::ErrorKind,
    ops::Range,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tempfile::TempDir;

mod handed;
mod monitored;
mod plain;
mod watched;

pub use monitored::{Monitored, MonitoredRun};
pub use plain::PlainRun;
pub use watched::{Watched, WatchedRun};

/// Symbol of the guest's result: four little-endian `u32`.
const OUTCOME: &str = "demo_outcome";

/// The raw bytes of the serial line, in the run's directory.
const SERIAL: &str = "serial";

/// QEMU's own messages, in the run's directory.
const STDERR: &str = "stderr";

/// A guest run that is being set up.
#[derive(Clone, Debug)]
pub struct Launch<'a> {
    image: &'a Image,
    machine: Machine,
    capture: Vec<Range<u64>>,
    timeout: Duration,
    /// Livepatch payloads that the guest finds in its memory.
    payloads: Vec<PathBuf>,
}

/// The result of a guest that ran to its end.
#[derive(Clone, Debug)]
pub struct Run {
    /// Memory as loaded, before the first instruction.
    pub before: Memory,
    /// Memory after the guest has switched off.
    pub after: Memory,
    /// Its log.
    pub log: Vec<LogLine>,
    /// The contents of `demo_outcome`.
    pub outcome: Outcome,
}

/// The guest's own result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its status.
    pub status: Status,
    /// Number of cpucaps detected.
    pub caps: u32,
    /// Number of sites in its table.
    pub sites: u32,
    /// Number of sites it patched.
    pub patched: u32,
}

/// The status of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It switched off before it wrote a result.
    Unfinished,
    /// All its checks passed.
    Ok,
    /// Something failed; the log says what.
    Failed,
    /// A value without a meaning.
    Unknown(u32),
}

impl<'a> Launch<'a> {
    /// A run of an image on a machine, capturing what the image loads, for at most 60 s.
    pub fn new(image: &'a Image, machine: Machine) -> Self {
        Self {
            image,
            machine,
            capture: image.load_ranges().collect(),
            timeout: Duration::from_secs(60),
            payloads: Vec::new(),
        }
    }

    /// Loads a livepatch payload into the guest's memory, as a boot module of its device tree. The
    /// first one has number 0. Its log strings are decoded, too.
    pub fn payload(mut self, file: &Path) -> Self {
        self.payloads.push(file.to_owned());
        self
    }

    /// Captures a further range of guest physical memory.
    pub fn capture(mut self, range: Range<u64>) -> Self {
        self.capture.push(range);
        self
    }

    /// Sets how long the guest may run, in wall time.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Runs the guest to its end. QEMU has exited when this returns, also with an error.
    ///
    /// # Errors
    /// [`Error::Hung`] when the time is over, [`Error::QemuExited`] and [`Error::GuestStopped`]
    /// when it does not end by PSCI `SYSTEM_OFF`, [`Error::Image`] when the image has no
    /// `demo_outcome`. A failure that the guest reports in `demo_outcome` is not an error here.
    pub fn run(&self, qemu: &Qemu) -> Result<Run> {
        let outcome_at = self.image.symbol(OUTCOME)?;
        let mut session = Session::start(self, qemu, None)?;
        let before = session.capture(&self.capture)?;
        session.run_to_end(self.timeout)?;
        let after = session.capture(&self.capture)?;
        let outcome = Outcome::from_words(&after.words(outcome_at, 4)?);
        Ok(Run {
            before,
            after,
            log: session.guest.log()?,
            outcome,
        })
    }
}

impl Outcome {
    fn from_words(words: &[u32]) -> Self {
        Self {
            status: match words[0] {
                0 => Status::Unfinished,
                1 => Status::Ok,
                2 => Status::Failed,
                other => Status::Unknown(other),
            },
            caps: words[1],
            sites: words[2],
            patched: words[3],
        }
    }
}

/// A QEMU that is running.
struct Session<'a> {
    guest: Guest<'a>,
    qmp: Qmp,
}

/// The part that outlives the connection, and reports why it broke.
struct Guest<'a> {
    image: &'a Image,
    payloads: Vec<Vec<u8>>,
    // Dropped before the directory, because QEMU uses the files.
    process: Process,
    files: TempDir,
    prints_text: bool,
}

impl<'a> Session<'a> {
    /// Starts QEMU with the guest loaded and its CPUs stopped.
    fn start(launch: &Launch<'a>, qemu: &Qemu, files: Option<monitored::Files>) -> Result<Self> {
        let (kernel, more, prints_text) = match files {
            Some(files) => (files.kernel, files.args, files.prints_text),
            None => (launch.image.path().to_owned(), Vec::new(), false),
        };
        let files = TempDir::new().map_err(Error::io("creating a temporary directory"))?;
        let stderr = File::create(files.path().join(STDERR))
            .map_err(Error::io("creating a file for QEMU's messages"))?;
        let mut command = qemu.command();
        command
            .args(launch.machine.to_args())
            .args("-display none -nic none -no-shutdown -no-reboot -S".split(' '))
            .args(Qmp::ARGS)
            .arg("-serial")
            .arg(format!("file:{}", files.path().join(SERIAL).display()))
            .arg("-kernel")
            .arg(kernel)
            .args(more)
            .args(handed::arguments(&launch.payloads)?)
            .stderr(stderr);
        let (process, commands, output) =
            Process::spawn(&mut command).map_err(Error::io("starting QEMU"))?;
        let mut guest = Guest {
            image: launch.image,
            payloads: handed::read(&launch.payloads)?,
            process,
            files,
            prints_text,
        };
        match Qmp::connect(commands, output) {
            Ok(qmp) => Ok(Self { guest, qmp }),
            Err(why) => Err(guest.failure(why)),
        }
    }

    /// Starts the CPUs and waits until the guest has switched off and all CPUs have stopped.
    fn run_to_end(&mut self, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        self.execute("cont", json!({}))?;
        let mut off = false;
        loop {
            match self.qmp.event(deadline) {
                Ok(event) => match event.name.as_str() {
                    "SHUTDOWN" if event.reason == "guest-shutdown" => off = true,
                    "SHUTDOWN" | "GUEST_PANICKED" => {
                        return Err(Error::GuestStopped {
                            reason: event.reason,
                            log: self.guest.log()?,
                        });
                    }
                    // Other CPUs may run on between SHUTDOWN and STOP.
                    "STOP" if off => return Ok(()),
                    _ => {}
                },
                Err(Silence::TimedOut) => {
                    return Err(Error::Hung {
                        after: timeout,
                        cpus: self.cpus(),
                        log: self.guest.log()?,
                    });
                }
                Err(why) => return Err(self.guest.failure(why)),
            }
        }
    }

    /// Reads the memory of the stopped guest.
    fn capture(&mut self, ranges: &[Range<u64>]) -> Result<Memory> {
        let file = self.guest.files.path().join("memory");
        let mut memory = Memory::default();
        for range in ranges {
            let arguments = json!({
                "val": range.start,
                "size": range.end.saturating_sub(range.start),
                "filename": file,
            });
            self.execute("pmemsave", arguments)?;
            let bytes = fs::read(&file).map_err(Error::io("reading QEMU's memory dump"))?;
            memory.add(range.start, bytes);
        }
        Ok(memory)
    }

    /// The addresses of the CPUs, for an error message; empty if QEMU does not answer.
    fn cpus(&mut self) -> Vec<String> {
        let command = "human-monitor-command";
        let arguments = json!({ "command-line": "info registers -a" });
        let answer = self.qmp.execute(command, arguments);
        let text = answer.unwrap_or_default();
        program_counters(text.as_str().unwrap_or_default())
            .map(|pc| match self.guest.image.place(pc) {
                Some(place) => format!("{pc:#x} {place}"),
                None => format!("{pc:#x}"),
            })
            .collect()
    }

    fn execute(&mut self, command: &str, arguments: Value) -> Result<Value> {
        let answer = self.qmp.execute(command, arguments);
        answer.map_err(|why| self.guest.failure(why))
    }
}

impl Guest<'_> {
    /// The error for a connection that broke.
    fn failure(&mut self, why: Silence) -> Error {
        match why {
            Silence::Refused { command, problem } => Error::Qmp { command, problem },
            Silence::TimedOut => Error::Qmp {
                command: "(event)".into(),
                problem: "no answer in time".into(),
            },
            Silence::Closed => match (self.process.wait(), self.log()) {
                (Ok(status), Ok(log)) => Error::QemuExited {
                    status,
                    stderr: self.stderr(),
                    log,
                },
                (Err(source), _) => Error::io("waiting for QEMU")(source),
                (_, Err(error)) => error,
            },
        }
    }

    fn stderr(&self) -> String {
        fs::read(self.files.path().join(STDERR))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    fn log(&self) -> Result<Vec<LogLine>> {
        let file = self.files.path().join(SERIAL);
        match fs::read(file) {
            Ok(bytes) if self.prints_text => Ok(log::text(&bytes)),
            Ok(bytes) => log::decode(self.image, &self.payloads, &bytes),
            // QEMU creates it, unless its arguments are wrong.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Error::io("reading the guest's log")(error)),
        }
    }
}

/// The `PC=` values of QEMU's register dump.
fn program_counters(dump: &str) -> impl Iterator<Item = u64> + '_ {
    dump.split("PC=").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_hexdigit());
        u64::from_str_radix(&rest[..end.unwrap_or(rest.len())], 16).ok()
    })
}

#[cfg(test)]
mod tests;
