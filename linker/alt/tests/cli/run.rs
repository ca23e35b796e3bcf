//! Running the program.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

/// What a run left.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The program, with neither a terminal nor wishes about colours.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alt"));
    command
        .stdin(Stdio::null())
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE");
    command
}

/// Runs the program.
pub fn alt(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ran {
    finish(command().args(arguments))
}

/// Runs a command to its end.
pub fn finish(command: &mut Command) -> Ran {
    let output = command.output().expect("the program runs");
    Ran {
        status: output.status.code().expect("it ends by itself"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

impl Ran {
    /// The output of a run that must have found nothing.
    #[track_caller]
    pub fn clean(self) -> String {
        assert_eq!((self.status, self.stderr.as_str()), (0, ""), "{self:?}");
        self.stdout
    }

    /// The output of a run that must have found something.
    #[track_caller]
    pub fn found(self) -> String {
        assert_eq!((self.status, self.stderr.as_str()), (1, ""), "{self:?}");
        self.stdout
    }

    /// Asserts that the run failed, and that its error contains each of these texts.
    #[track_caller]
    pub fn refused(self, texts: &[&str]) -> String {
        assert_eq!((self.status, self.stdout.as_str()), (2, ""), "{self:?}");
        for text in texts {
            assert!(
                self.stderr.contains(text),
                "{text} is not in {}",
                self.stderr
            );
        }
        self.stderr
    }
}
