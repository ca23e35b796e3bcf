//! QEMU's machine protocol (QMP): one JSON object per line, over the process's standard input and
//! output. A socket would need a path and a start order, and a closed pipe shows at once that QEMU
//! has exited.

use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Write},
    process::{ChildStdin, ChildStdout},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

/// Time limit for the answer to a command; a command never waits for the guest.
const ANSWER: Duration = Duration::from_secs(30);

/// A connection in command mode.
pub(crate) struct Qmp {
    commands: ChildStdin,
    messages: Receiver<Value>,
    events: VecDeque<Event>,
}

/// An event that QEMU reports.
#[derive(Debug)]
pub(crate) struct Event {
    /// Its name, such as `SHUTDOWN`.
    pub(crate) name: String,
    /// Its `data.reason`, for the events that have one.
    pub(crate) reason: String,
}

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Silence {
    /// QEMU has ended.
    Closed,
    /// The time limit has passed.
    TimedOut,
    /// The command was answered by an error, or by something that is not QMP.
    Refused { command: String, problem: String },
}

impl Qmp {
    /// The arguments that make QEMU listen on its standard input.
    pub(crate) const ARGS: [&str; 4] = [
        "-chardev",
        "stdio,id=qmp,signal=off",
        "-mon",
        "chardev=qmp,mode=control",
    ];

    /// Takes the pipes of a QEMU started with [`Qmp::ARGS`] and enters command mode.
    pub(crate) fn connect(commands: ChildStdin, output: ChildStdout) -> Result<Self, Silence> {
        let (sender, messages) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Lines that are not JSON are not part of the protocol, such as output of firmware.
                if let Ok(message) = serde_json::from_str(&line)
                    && sender.send(message).is_err()
                {
                    break;
                }
            }
        });
        let mut qmp = Self {
            commands,
            messages,
            events: VecDeque::new(),
        };
        qmp.execute("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    /// Sends a command and waits for its answer.
    pub(crate) fn execute(&mut self, command: &str, arguments: Value) -> Result<Value, Silence> {
        let line = json!({ "execute": command, "arguments": arguments });
        writeln!(self.commands, "{line}").map_err(|_| Silence::Closed)?;
        let deadline = Instant::now() + ANSWER;
        loop {
            let message = match self.receive(deadline) {
                Err(Silence::TimedOut) => {
                    return Err(Silence::Refused {
                        command: command.into(),
                        problem: format!("no answer within {ANSWER:?}"),
                    });
                }
                other => other?,
            };
            if let Some(value) = message.get("return") {
                return Ok(value.clone());
            }
            if let Some(error) = message.get("error") {
                return Err(Silence::Refused {
                    command: command.into(),
                    problem: error["desc"].as_str().unwrap_or("no reason given").into(),
                });
            }
            self.events.extend(event(&message));
        }
    }

    /// Waits for the next event.
    pub(crate) fn event(&mut self, deadline: Instant) -> Result<Event, Silence> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let message = self.receive(deadline)?;
            self.events.extend(event(&message));
        }
    }

    fn receive(&mut self, deadline: Instant) -> Result<Value, Silence> {
        let left = deadline.saturating_duration_since(Instant::now());
        self.messages.recv_timeout(left).map_err(|why| match why {
            RecvTimeoutError::Timeout => Silence::TimedOut,
            RecvTimeoutError::Disconnected => Silence::Closed,
        })
    }
}

/// The event that a message carries, if it does.
fn event(message: &Value) -> Option<Event> {
    Some(Event {
        name: message.get("event")?.as_str()?.into(),
        reason: message["data"]["reason"]
            .as_str()
            .unwrap_or_default()
            .into(),
    })
}
