//! Completions and manual pages.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::run::alt;

/// The commands in the help.
fn commands() -> BTreeSet<String> {
    let help = alt(["--help"]).clean();
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let lines = list.lines().take_while(|line| !line.is_empty());
    // The text of a long line goes on in the next one, which is indented more.
    let first = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    first
        .filter(|name| !matches!(*name, "" | "help"))
        .map(String::from)
        .collect()
}

#[test]
fn completions_know_commands_and_options() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = alt(["completions", shell]).clean();
        for word in commands()
            .iter()
            .map(String::as_str)
            .chain(["json", "cmdline"])
        {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    alt(["completions", "sh"]).refused(&["possible values: bash"]);
    // A shell reads it.
    let folder = TempDir::new().unwrap();
    let script = folder.path().join("alt.bash");
    fs::write(&script, alt(["completions", "bash"]).clean()).unwrap();
    if let Ok(status) = Command::new("bash").arg("-n").arg(&script).status() {
        assert!(status.success());
    }
}

#[test]
fn each_command_has_a_page() {
    let folder = TempDir::new().unwrap();
    let pages = folder.path().join("share/man1");
    alt(["man", pages.to_str().unwrap()]).clean();
    for command in commands() {
        let page = fs::read_to_string(pages.join(format!("alt-{command}.1"))).unwrap();
        assert!(
            page.contains(".SH OPTIONS") || page.contains(".SH SUBCOMMANDS"),
            "{page}"
        );
    }
    let page = fs::read_to_string(pages.join("alt-apply.1")).unwrap();
    assert!(page.contains("\\-\\-cmdline"), "{page}");
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    alt(["man", file.to_str().unwrap()]).refused(&["file: "]);
}
