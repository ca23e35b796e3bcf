//! Builds, runs and tests this workspace: `cargo xtask --help`.

mod bench;
mod demo;
mod examples;
mod fuzz;
mod layers;
mod litmus;
mod matrix;
mod minimal;
mod miri;
mod mutants;
mod mutate;
mod nightly;
mod outcome;
mod programs;
mod setup;
mod sizes;
mod style;
mod sweep;
mod test;
mod verify;

use clap::{Parser, Subcommand};
use outcome::Outcome;
use qemu_tests::Profile;
use std::ffi::OsString;
use std::process::ExitCode;

/// Builds, runs and tests this workspace; installs missing tools if the package manager is available.
#[derive(Parser)]
#[command(
    bin_name = "cargo xtask",
    after_help = "Environment: QEMU is the emulator's binary (default qemu-system-aarch64), \
                  QEMU_ARGS are further arguments for it."
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Counts the cost of checks, operations and a pass, in instructions and bytes, and compares it
    /// with other implementations.
    Bench(bench::BenchArguments),
    /// Boots the demo kernel on an emulated CPU and shows how it has patched its own text.
    Demo(demo::DemoArguments),
    /// Boots every kernel of examples/ and shows its lines of integration, sites and patched sites.
    Examples {
        /// CPU model of QEMU.
        #[arg(long, value_name = "MODEL", default_value = "cortex-a76")]
        cpu: String,
    },
    /// Fuzzes the file formats that `alt` reads, by libFuzzer; needs a C++ compiler.
    Fuzz(fuzz::FuzzArguments),
    /// Checks that no modules import each other in a circle, and that packages and modules use lower
    /// layers only.
    Layers,
    /// Checks the patching sequence, complete and without one of its steps, by Arm's memory model:
    /// litmus tests, run by herd7.
    Litmus,
    /// Runs the demo kernel on every machine, in every build profile, entered at EL1 and EL2; shows
    /// a table and writes an HTML page.
    Matrix(matrix::MatrixArguments),
    /// Compiles the dependencies of a kernel in the lowest versions that are allowed; needs a
    /// nightly cargo.
    MinimalVersions,
    /// Runs host tests of the runtime under Miri, which finds undefined behaviour; needs a nightly
    /// toolchain.
    Miri,
    /// Leaves steps out of the patching routine, one at a time, and shows which observer notices
    /// it.
    Mutants {
        /// Shows the first violation that each observer noticed.
        #[arg(long, short)]
        verbose: bool,
    },
    /// Changes an image at random, many times, and counts the changes that `alt verify` reports:
    /// IMAGE [--cpucaps FILE] [--rules FILE] [--count N] [--seed N] [--json].
    #[command(disable_help_flag = true)]
    Mutate {
        /// Arguments of the program; `--help` explains them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        arguments: Vec<OsString>,
    },
    /// Shows the cost of the demo kernel's sites in bytes.
    Sizes {
        /// Uses the unoptimised kernel.
        #[arg(long)]
        dev: bool,
    },
    /// Compares the classification of all 2^32 instruction words with two other decoders;
    /// takes minutes.
    Sweep,
    /// Runs every check and test of the workspace.
    Test {
        /// Arguments for the test runner, usually names of tests.
        #[arg(last = true)]
        filter: Vec<String>,
    },
    /// Checks every kernel of the workspace, in each profile, by `alt verify`.
    Verify,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Demo(arguments) => demo::run(&arguments),
        Task::Examples { cpu } => examples::run(&cpu),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Layers => layers::run(),
        Task::Litmus => litmus::run(),
        Task::MinimalVersions => minimal::run(),
        Task::Miri => miri::run(),
        Task::Matrix(arguments) => matrix::run(&arguments),
        Task::Mutants { verbose } => mutants::run(verbose),
        Task::Mutate { arguments } => mutate::run(&arguments),
        Task::Sizes { dev: true } => sizes::run(Profile::Dev),
        Task::Sizes { dev: false } => sizes::run(Profile::Release),
        Task::Sweep => sweep::run(),
        Task::Test { filter } => test::run(&filter),
        Task::Verify => verify::run(),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            anstream::eprintln!("{}: {error}", style::bad("error"));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_show_commands_that_parse() {
        let commands = test_support::docs::commands("cargo xtask").unwrap();
        assert!(!commands.is_empty());
        for (place, words) in commands {
            let parsed = Arguments::try_parse_from(["xtask".into()].into_iter().chain(words));
            if let Err(why) = parsed {
                panic!("{place}: {why}");
            }
        }
    }
}
