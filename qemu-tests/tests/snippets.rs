//! What README.md and `docs/` show is code that is built: no block that is not, none that differs.
//!
//! Blocks of Rust, assembly and linker scripts stand word for word in a source that cargo builds;
//! blocks of TOML are read by who reads such a file. The commands in blocks of `sh` are parsed by
//! the programs' own tests, `documents_show_commands_that_parse`.

use std::fs;
use std::path::{Path, PathBuf};

use alt_image::image::Image;
use alt_image::patching::Answers;
use alt_linker::namespace::Manifest;
use alt_verify::config::Config;
use qemu_tests::{Profile, guest, skip};
use test_support::docs::{self, Block};
use test_support::workspace;

/// Folders of sources that cargo builds, or that tests compile.
const SOURCES: [&str; 5] = [
    "docs/snippets",
    "examples",
    "kernel-demo",
    "linker/alt/tests",
    "qemu-tests/two-passes",
];

/// `alt-runtime/tests/accept/assembly` compiles the blocks of this document, and looks at the records.
const COMPILED_BY_ANOTHER_TEST: &str = "docs/assembly.md";

/// How a command may begin that neither `cargo xtask` nor `alt` parses.
const OTHER_COMMANDS: [&str; 12] = [
    "aarch64-linux-gnu-gcc -B FOLDER …",
    "alt-ld -T kernel.ld ",
    "cargo install --path linker/alt",
    "cargo nextest run -p qemu-tests",
    "clang --target=aarch64-none-elf --ld-path=",
    "export ALT_LD_LINKER=",
    "jq ",
    "qemu-system-aarch64 … -plugin",
    "rust-lld -flavor gnu -r",
    "rustup component add rust-src",
    "QEMU_TESTS_RESULTS=",
    "RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zfixed-x18",
];

#[test]
fn code_stands_in_a_source_that_is_built() {
    let sources = sources();
    let missing: Vec<_> = docs::blocks()
        .unwrap()
        .into_iter()
        .filter(|block| match block.language.as_str() {
            "text" | "toml" | "sh" => false,
            "rust" | "asm" if block.place.starts_with(COMPILED_BY_ANOTHER_TEST) => false,
            // A language that is not known is not built, either.
            _ => !sources
                .iter()
                .any(|source| source.contains(&squeezed(&block.text))),
        })
        .collect();
    assert!(
        missing.is_empty(),
        "not in a source that is built (docs/snippets is the place for those that are in no \
         example, and `text` the language of output): {missing:#?}"
    );
}

#[test]
fn snippets_compile_for_a_kernel() {
    if !skip::without_guests("snippets_compile_for_a_kernel") {
        guest::build_library("doc-snippets", Profile::Dev).unwrap();
    }
}

#[test]
fn tables_are_read_by_their_readers() {
    if skip::without_guests("tables_are_read_by_their_readers") {
        return;
    }
    let elf = guest::build("quickstart", Profile::Release).unwrap();
    let image = Image::parse(fs::read(elf).unwrap()).unwrap();
    for block in docs::blocks().unwrap() {
        if block.language == "toml"
            && let Err(why) = read(&block, &image)
        {
            panic!("{}: {why}", block.place);
        }
    }
}

/// Reads a block as the file that it is a part of.
fn read(block: &Block, image: &Image) -> Result<(), String> {
    let text = block.text.as_str();
    let has = |words: &str| text.contains(words);
    if has("dependencies]") || has("[target.") {
        let table: Result<toml::Table, _> = text.parse();
        return table.map(drop).map_err(|why| why.to_string());
    }
    if has("detect = ") {
        let checked = alt_cpucaps::check("cpucaps.toml", text);
        return checked.map(drop).map_err(|problems| problems.join("\n"));
    }
    if text.lines().any(|line| line.trim_start().starts_with("[[")) {
        let Err(mut problems) = Config::from_toml("rules.toml", text, image) else {
            return Ok(());
        };
        // They are about another kernel, which has these sections and symbols.
        let is_of_another = |problem: &str| {
            ["section", "symbol"]
                .iter()
                .any(|what| problem.contains(&format!("the image has no {what}")))
        };
        problems.0.retain(|problem| !is_of_another(problem));
        return match problems.0.is_empty() {
            true => Ok(()),
            false => Err(problems.to_string()),
        };
    }
    if has("[allow]") {
        let manifest = Manifest::parse("hyp.toml", text);
        return manifest.map(drop).map_err(|why| why.to_string());
    }
    let answers = Answers::from_toml(text);
    answers.map(drop).map_err(|why| why.to_string())
}

#[test]
fn commands_have_someone_to_parse_them() {
    for block in docs::blocks().unwrap() {
        for command in docs::commands_of(&block.text) {
            let line = command.join(" ") + " ";
            let known = |start: &&str| line.starts_with(start);
            assert!(
                block.language != "sh"
                    || line.starts_with("cargo xtask ")
                    || line.starts_with("alt ")
                    || line.starts_with('#')
                    || OTHER_COMMANDS.iter().any(known),
                "{}: {line}",
                block.place
            );
        }
    }
}

/// Without what layout is: blanks, line ends, and commas before a closing bracket.
fn squeezed(code: &str) -> String {
    let mut text: String = code.split_whitespace().collect();
    for bracket in [")", "]", "}"] {
        text = text.replace(&format!(",{bracket}"), bracket);
    }
    text
}

fn sources() -> Vec<String> {
    let mut files = Vec::new();
    for folder in SOURCES {
        add(&workspace().join(folder), &mut files);
    }
    let texts = files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok());
    texts.map(|text| squeezed(&text)).collect()
}

fn add(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => add(&path, files),
            false => files.push(path),
        }
    }
}

/// On a host, rustdoc does not compile what is for a kernel only: it must be in a source that is.
#[test]
fn target_examples_of_alt_runtime_are_built() {
    let (sources, mut files, mut found) = (sources(), Vec::new(), 0);
    add(&workspace().join("alt-runtime/src"), &mut files);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let docs: Vec<_> = text
            .lines()
            .map(|line| line.trim_start())
            .map(|line| line.strip_prefix("//!").or(line.strip_prefix("///")))
            .map(|line| line.unwrap_or_default().trim_start())
            .collect();
        for block in docs.join("\n").split("```").skip(1).step_by(2) {
            if !block.contains("# #[cfg(target_os = \"none\")]") {
                continue;
            }
            let shown: Vec<_> = block
                .lines()
                // The source imports the same names, among others.
                .filter(|line| !line.starts_with("# ") && !line.starts_with("use "))
                .collect();
            let shown = squeezed(&shown.join("\n"));
            let is_built = sources.iter().any(|source| source.contains(&shown));
            assert!(is_built, "{}: {block}", file.display());
            found += 1;
        }
    }
    assert_ne!(found, 0);
}

/// Examples in the documentation of the crates are compiled, too.
#[test]
fn no_example_is_ignored() {
    let mut files = Vec::new();
    for folder in [
        "alt-cpucaps",
        "alt-cpu",
        "alt-macros",
        "alt-runtime",
        "linker/alt",
        "linker/image",
        "linker/link",
        "linker/object",
        "linker/verify",
    ] {
        add(&workspace().join(folder).join("src"), &mut files);
    }
    add(&workspace().join("docs"), &mut files);
    files.push(workspace().join("README.md"));
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let ignored = text
            .lines()
            .find(|line| line.contains("```") && line.contains("ignore"));
        assert_eq!(ignored, None, "{}", file.display());
    }
}
