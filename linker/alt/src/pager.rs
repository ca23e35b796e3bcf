//! The pager, by git's conventions: if standard output is a terminal and a text has more lines than
//! it, the text goes to `$ALT_PAGER`, `$PAGER` or `less`.

use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use alt_image::style;
use anstream::adapter::strip_bytes;
use signal_hook::consts::SIGINT;
use terminal_size::{Height, Width};

/// Set by `--no-pager`.
static OFF: AtomicBool = AtomicBool::new(false);

/// Turns the pager off for this run.
pub fn turn_off() {
    OFF.store(true, Ordering::Relaxed);
}

/// A text on its way to the terminal. It is held until it is longer than the screen; then a pager
/// shows it. A text that fits goes to the terminal at the end.
pub struct Pager {
    rows: usize,
    columns: usize,
    state: State,
}

enum State {
    /// The text so far, which fits on the screen.
    Held(Vec<u8>),
    /// A pager reads the text.
    Shown(Child),
    /// There is no pager.
    Terminal,
}

impl Pager {
    /// A pager for standard output; `None` if that is not a terminal, or if the user has disabled the pager.
    pub fn new() -> Option<Self> {
        let wanted = !OFF.load(Ordering::Relaxed) && io::stdout().is_terminal();
        let (Width(columns), Height(rows)) = wanted.then(terminal_size::terminal_size)??;
        command()?;
        Some(Self {
            // The last row is for the prompt.
            rows: usize::from(rows).saturating_sub(1),
            columns: usize::from(columns).max(1),
            state: State::Held(Vec::new()),
        })
    }

    /// Shows the held text, and waits until the user has left the pager.
    pub fn finish(self) -> io::Result<()> {
        match self.state {
            State::Held(text) => io::stdout().write_all(&text),
            // Dropping the pipe is the end of the text. The exit status is that of the command.
            State::Shown(mut pager) => {
                drop(pager.stdin.take());
                pager.wait().map(drop)
            }
            State::Terminal => Ok(()),
        }
    }

    /// Whether a text is longer than the screen, escapes excluded and wrapped lines included.
    fn is_long(&self, text: &[u8]) -> bool {
        let text: Vec<u8> = strip_bytes(text).flatten().copied().collect();
        let text = String::from_utf8_lossy(&text);
        let rows = text
            .lines()
            .map(|line| line.chars().count().div_ceil(self.columns).max(1));
        rows.sum::<usize>() > self.rows
    }
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Held(text) => {
                text.extend_from_slice(bytes);
                let text = std::mem::take(text);
                if !self.is_long(&text) {
                    self.state = State::Held(text);
                    return Ok(bytes.len());
                }
                self.state = start();
                self.write_all(&text)?;
                Ok(bytes.len())
            }
            State::Shown(pager) => match &mut pager.stdin {
                Some(pipe) => pipe.write(bytes),
                None => Err(io::ErrorKind::BrokenPipe.into()),
            },
            State::Terminal => io::stdout().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Terminal => io::stdout().flush(),
            _ => Ok(()),
        }
    }
}

/// The pager of the user; `None` for none.
fn command() -> Option<Command> {
    let names = ["ALT_PAGER", "PAGER"];
    let Some(text) = names.into_iter().find_map(env::var_os) else {
        return Some(Command::new("less"));
    };
    let text = text.to_str()?.trim();
    if text.is_empty() || text == "cat" {
        return None;
    }
    // A command with other characters is run by the shell, which reports mistakes in it.
    if text.contains(|c: char| !c.is_alphanumeric() && !" /._-+:\\".contains(c)) {
        let mut shell = Command::new("sh");
        shell.args(["-c", text]);
        return Some(shell);
    }
    let mut words = text.split_whitespace();
    let mut command = Command::new(words.next()?);
    command.args(words);
    Some(command)
}

/// Starts the pager; if it does not start, the text goes to the terminal.
fn start() -> State {
    let Some(mut command) = command() else {
        return State::Terminal;
    };
    // Colours; leave at the end of a short text; do not clear the screen.
    if env::var_os("LESS").is_none() {
        command.env("LESS", "FRX");
    }
    match command.stdin(Stdio::piped()).spawn() {
        Ok(pager) => {
            keep_on_interrupt();
            State::Shown(pager)
        }
        Err(why) => {
            // Not everybody has less.
            if command.get_program() != OsStr::new("less") {
                let name = command.get_program().display();
                anstream::eprintln!("{}: {name}: {why}", style::doubtful("note"));
            }
            State::Terminal
        }
    }
}

/// Ctrl-C is for the pager: if this program ended by it, the shell and the pager would both read the
/// terminal.
fn keep_on_interrupt() {
    // Without the handler, Ctrl-C ends this program, as it does without a pager.
    let interrupted = Arc::new(AtomicBool::new(false));
    let _ = signal_hook::flag::register(SIGINT, interrupted);
}
