//! `alt stats` about sorting by alignment. lld, which sorts by itself, is the oracle.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::kernel::{FLAGS, Kernel, SOURCE, alt, said};

/// Statics of several alignments, in an order that wastes space.
const ALIGNED: &str = "
#[repr(align(64))]
struct Line([u8; 8]);
#[repr(align(256))]
struct Block([u8; 16]);
macro_rules! statics {
    ($($name:ident: $type:ty = $value:expr;)*) => {$(
        #[unsafe(no_mangle)]
        static $name: $type = $value;
    )*};
}
statics! {
    A1: u8 = 1; A2: Block = Block([2; 16]); A3: u8 = 3; A4: Line = Line([4; 8]); A5: u8 = 5;
    A6: Block = Block([6; 16]); A7: u8 = 7;
}
#[unsafe(no_mangle)]
extern \"C\" fn all() -> usize {
    let all = [&raw const A1 as usize, &raw const A2 as usize, &raw const A3 as usize,
        &raw const A4 as usize, &raw const A5 as usize, &raw const A6 as usize,
        &raw const A7 as usize];
    core::hint::black_box(all).iter().sum()
}
";

#[test]
fn sorting_is_what_the_linker_would_do() {
    let Some(kernel) = Kernel::new("sorting_is_what_the_linker_would_do") else {
        return;
    };
    let source = format!("{SOURCE}{ALIGNED}");
    let build = |name: &str, pattern: &str| {
        let script = kernel.path(&format!("{name}.ld"));
        let text = format!(
            "SECTIONS {{ . = 0x400000; .text : {{ *({}) }} .rodata : {{ *({}) }} }}",
            pattern.replace('%', ".text .text.*"),
            pattern.replace('%', ".rodata .rodata.*")
        );
        fs::write(&script, text).unwrap();
        let script = format!("-Clink-arg=-T{}", script.display());
        let more = [
            script.as_str(),
            "-Clink-arg=--undefined=all",
            "-Crelocation-model=static",
        ];
        let flags: Vec<_> = FLAGS.into_iter().chain(more).collect();
        let output = kernel.run(name, &source, &flags);
        assert!(output.status.success(), "{}", said(&output));
    };
    build("plain", "%");
    build("sorted", "SORT_BY_ALIGNMENT(%)");
    let stats = |name: &str| {
        let map = format!("{name}.livepatch/link.map");
        let output = alt(&["stats", name, "--map", &map, "--json"], &kernel.path(""));
        assert!(output.status.success(), "{}", said(&output));
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        let sections = json["sorting"]["sections"].as_array().unwrap();
        let found = sections.iter().find(|section| section["name"] == ".rodata");
        found.unwrap().clone()
    };
    let (plain, sorted) = (stats("plain"), stats("sorted"));
    let padding = |section: &Value, order: &str| section[order]["padding"].as_u64().unwrap();
    assert!(padding(&plain, "now") > 256, "{plain}");
    assert_eq!(
        padding(&plain, "overall"),
        padding(&sorted, "now"),
        "{plain} {sorted}"
    );
    assert_eq!(padding(&sorted, "overall"), padding(&sorted, "now"));
    let within = padding(&plain, "within_files");
    assert!(padding(&plain, "overall") <= within && within < padding(&plain, "now"));
    assert_eq!(plain["inputs"], sorted["inputs"]);

    // As text; then a file that is no map, and an empty map.
    let output = alt(
        &["stats", "plain", "--map", "plain.livepatch/link.map"],
        &kernel.path(""),
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let row = text
        .lines()
        .find(|line| line.starts_with(".rodata"))
        .unwrap();
    let words: Vec<_> = row.split_whitespace().collect();
    assert_eq!(words[2].parse(), Ok(padding(&plain, "now")), "{row}");
    let text_row = text.lines().find(|line| line.starts_with(".text")).unwrap();
    assert_eq!(text_row.split_whitespace().count(), 11, "{text_row}");
    for map in ["plain", "none"] {
        let output = alt(&["stats", "plain", "--map", map], &kernel.path(""));
        assert_eq!(output.status.code(), Some(2), "{map}");
        let words = match Path::new(&kernel.path(map)).exists() {
            true => "no map in lld's format",
            false => "No such file",
        };
        assert!(said(&output).contains(words), "{}", said(&output));
    }
}
