//! The program behind `cargo xtask mutate`.

use std::error::Error;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use alt_image::caps::Caps;
use alt_image::load::Loaded;
use alt_image::style;
use alt_mutate::{Progress, mutate};
use alt_verify::config::Config;
use clap::Parser;

/// Changes an image at random, many times, and counts the changes that `alt verify` reports.
///
/// Exit status: 0 each change is reported or harmless, 1 a change is missed, 2 the image cannot be
/// read or has findings before any change.
#[derive(Parser)]
#[command(name = "mutate", bin_name = "cargo xtask mutate")]
struct Arguments {
    /// A linked arm64 image: an ELF file with its sections
    #[arg(value_name = "IMAGE")]
    image: PathBuf,
    /// Its cpucaps, as for `alt verify`
    #[arg(long, value_name = "FILE")]
    cpucaps: Vec<PathBuf>,
    /// Its rules file, as for `alt verify`
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// The number of changed images
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    count: usize,
    /// The seed of the random numbers; runs with the same seed make the same changes
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// As JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            anstream::eprintln!("{}: {error}", style::bad("error"));
            ExitCode::from(2)
        }
    }
}

/// Says before a long run how long it takes, and shows on a terminal how far it is.
fn show(progress: Progress, count: usize) {
    match progress {
        Progress::Estimate(time) if time.as_secs() >= 10 => {
            let (minutes, seconds) = (time.as_secs() / 60, time.as_secs() % 60);
            let note = style::doubtful("note");
            anstream::eprintln!(
                "{note}: at most about {minutes} min {seconds} s for {count} changes"
            );
        }
        Progress::Judged(judged) if io::stderr().is_terminal() => {
            // The last one makes room for the result.
            let text = match judged == count {
                true => String::new(),
                false => format!("{judged} of {count} changes"),
            };
            anstream::eprint!("\r{text:40}\r");
        }
        _ => {}
    }
}

fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let loaded = Loaded::open(&arguments.image, None, &arguments.cpucaps)?;
    let caps = loaded.caps.first();
    let table = caps.map_or_else(|| loaded.names.table(), Caps::table);
    let config = match &arguments.rules {
        None => Config::default(),
        Some(path) => {
            let name = path.display().to_string();
            let text = fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
            Config::from_toml(&name, &text, &loaded.image)?
        }
    };
    let data = loaded.image.into_data();
    let run = (arguments.count, arguments.seed);
    let figures = mutate(data, &loaded.names, table, &config, run, &|progress| {
        show(progress, arguments.count);
    })?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&figures)?);
        return Ok(figures.missed.is_empty());
    }
    for offset in &figures.missed {
        let missed = style::bad("missed");
        anstream::println!("{missed} a change at {offset:#x} of the file");
    }
    println!(
        "{} mutations: {} reported by rules, {} by the seal alone, {} harmless, {} missed",
        arguments.count,
        figures.by_rules,
        figures.by_seal,
        figures.harmless,
        figures.missed.len()
    );
    Ok(figures.missed.is_empty())
}
