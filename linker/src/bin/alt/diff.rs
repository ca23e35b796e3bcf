//! `alt diff`

use std::path::PathBuf;

use alt_linker::diff::{Difference, Memory, compare};
use alt_linker::disasm;
use alt_linker::loaded::Loaded;
use anstream::println;
use clap::Args;

use crate::Outcome;
use crate::input::{Input, read};
use crate::style;
use crate::system::System;

/// Compares a dump of a running kernel's memory with what it must be.
#[derive(Args)]
pub struct Diff {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    system: System,
    /// The dump: the bytes of the memory that holds the text
    #[arg(long, value_name = "FILE")]
    dump: PathBuf,
    /// The address, as linked, of the first byte of the dump
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    base: u64,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// An address in hexadecimal with 0x, or in decimal.
pub fn parse_address(text: &str) -> Result<u64, String> {
    let digits = text.replace('_', "");
    match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    }
    .map_err(|error| format!("{error}; write it as 0x40200000"))
}

impl Diff {
    pub fn run(&self) -> Outcome {
        let opened = self.input.open()?;
        let expectation = self.system.expect(&opened)?;
        let dump = read(&self.dump)?;
        let memory = Memory {
            base: self.base,
            bytes: &dump,
        };
        let report = compare(&opened.image, &opened.records, &expectation, memory)?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            for difference in &report.differences {
                show(&opened, difference);
            }
            println!(
                "{} of {} words of text differ, in {} sites and {} other places; {} callbacks not judged",
                report.words,
                report.compared,
                report.sites(),
                report.differences.len() - report.sites(),
                report.left,
            );
        }
        Ok(report.differences.is_empty())
    }
}

fn show(opened: &Loaded, difference: &Difference) {
    let place = opened.image.place(difference.address);
    let place = place.map_or_else(String::new, |place| place.to_string());
    let what = match difference.site {
        true => style::bad("site"),
        false => style::bad("text"),
    };
    println!("{what} {:#x} {}", difference.address, style::strong(place));
    for word in &difference.words {
        let text = |value| format!("{value:08x}  {}", disasm::instruction(value, word.address));
        println!(
            "  {:#x}  expected {:<42}  found {}",
            word.address,
            text(word.expected),
            text(word.found),
        );
    }
}
