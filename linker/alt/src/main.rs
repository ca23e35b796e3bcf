//! `alt`: inspects an image with alternatives before it boots.
//!
//! Exit status: 0 success, 1 findings, 2 the input cannot be read.

mod about;
mod apply;
mod diff;
mod dump;
mod finding;
mod finish;
mod hyp_link;
mod input;
mod livepatch;
mod output;
mod pager;
mod reach;
mod scs;
mod seal;
mod sorting;
mod stats;
mod system;
mod verify;

use std::error::Error;
use std::process::ExitCode;

use alt_image::style;
use clap::{CommandFactory, Parser, Subcommand};

/// Inspects a kernel image with alternatives before it boots: records of alt-runtime, or Linux's
/// .altinstructions.
#[derive(Parser)]
#[command(
    name = "alt",
    version,
    after_help = AFTER_HELP
)]
struct Arguments {
    /// Writes to the terminal, however long the text is
    #[arg(long, global = true, display_order = 1000)]
    no_pager: bool,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  alt verify kernel
  alt apply kernel --cpu cortex-a76 -o kernel-a76
  alt diff kernel --cpu cortex-a76 --dump memory.bin --base 0x40200000

`alt COMMAND --help` shows more examples.

Exit status: 0 success, 1 findings, 2 the command failed; the error is on standard error.
Output to a terminal has colours; NO_COLOR=1 turns them off. If it is longer than the terminal,
ALT_PAGER, PAGER or less shows it.";

#[derive(Subcommand)]
enum Command {
    /// Shows every site with its arms
    Dump(dump::Dump),
    /// Checks an image by all rules
    Verify(verify::Verify),
    /// Writes the image as it will be after patching
    Apply(apply::Apply),
    /// Compares a memory dump of a running kernel with the expected text
    Diff(diff::Diff),
    /// Shows the instructions that a shadow call stack rewrites, or writes the image with it
    Scs(scs::Scs),
    /// Counts the bytes of sites and records
    Stats(stats::Stats),
    /// Writes the seal of an image, for `alt verify --seal`
    Seal(seal::Seal),
    /// Writes the finished table, and records of outline atomics, into a linked image
    Finish(finish::Finish),
    /// Checks the inputs of a link for branches whose target may be out of range
    Reach(reach::Reach),
    /// Compares two builds of a kernel, and makes payloads that change a running kernel
    Livepatch(livepatch::Livepatch),
    /// Links code for another exception level, before the link of the kernel
    HypLink(hyp_link::HypLink),
    /// Writes a script that completes the arguments in a shell
    Completions(about::Completions),
    /// Writes the manual pages
    Man(about::Man),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.no_pager {
        pager::turn_off();
    }
    let outcome = match arguments.command {
        // It has an exit status of its own.
        Command::Livepatch(arguments) => return status(arguments.run()),
        Command::Verify(arguments) => arguments.run(),
        Command::Apply(arguments) => arguments.run(),
        Command::Reach(arguments) => arguments.run(),
        Command::Seal(arguments) => arguments.run(),
        Command::Scs(arguments) => arguments.run(),
        Command::Dump(arguments) => arguments.run(),
        Command::Stats(arguments) => arguments.run(),
        Command::Diff(arguments) => arguments.run(),
        Command::Finish(arguments) => arguments.run(),
        Command::HypLink(arguments) => arguments.run(),
        Command::Completions(arguments) => arguments.run(Arguments::command()),
        Command::Man(arguments) => arguments.run(Arguments::command()),
    };
    status(outcome.map(|clean| match clean {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(1),
    }))
}

fn status(outcome: Result<ExitCode, Box<dyn Error>>) -> ExitCode {
    match outcome {
        Ok(code) => code,
        Err(error) => {
            anstream::eprintln!("{}: {error}", style::bad("error"));
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_show_commands_that_parse() {
        let commands = test_support::docs::commands("alt").unwrap();
        assert!(!commands.is_empty());
        for (place, words) in commands {
            let parsed = Arguments::try_parse_from(["alt".into()].into_iter().chain(words));
            if let Err(why) = parsed {
                panic!("{place}: {why}");
            }
        }
    }
}
