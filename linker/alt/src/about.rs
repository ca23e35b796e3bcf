//! The commands about the program itself: completions for a shell, and manual pages. Both are made
//! from the definition of the arguments.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::input::named;
use crate::output::{self, Outcome};

/// Writes a script that completes the arguments of `alt` in a shell.
#[derive(Args)]
#[command(after_help = "\
Examples:
  alt completions bash > ~/.local/share/bash-completion/completions/alt
  alt completions zsh > \"${fpath[1]}/_alt\"
  alt completions fish > ~/.config/fish/completions/alt.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub fn run(&self, mut command: Command) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "alt", &mut script);
        // Not through anstream: the script may contain escapes.
        match io::stdout().write_all(&script) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(format!("standard output: {error}").into())
            }
            _ => Ok(true),
        }
    }
}

/// Writes the manual pages: alt.1, and one for each command, such as alt-verify.1.
#[derive(Args)]
#[command(after_help = "\
Example:
  alt man ~/.local/share/man/man1")]
pub struct Man {
    /// The folder, which is made if it does not exist
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl Man {
    pub fn run(&self, command: Command) -> Outcome {
        fs::create_dir_all(&self.folder).map_err(|error| named(&self.folder, error))?;
        clap_mangen::generate_to(command, &self.folder)
            .map_err(|error| named(&self.folder, error))?;
        output::show(true, |_| Ok(()))
    }
}
