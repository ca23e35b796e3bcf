//! Output that is longer than the terminal, which is the pseudo terminal of `script`.

use std::process::{Command, Stdio};

use test_support::skip;

use crate::fixture::Fixture;
use crate::run::{Ran, finish};

const NO_SITES: &str = "{\"version\": 1, \"sections\": [], \"sites\": []}";

/// A terminal of eight rows, in which `alt` runs with these arguments for a shell.
struct Terminal {
    arguments: String,
    variables: Vec<(&'static str, &'static str)>,
}

impl Terminal {
    fn new(arguments: &str) -> Self {
        Self {
            arguments: arguments.into(),
            variables: Vec::new(),
        }
    }

    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    /// The status of `alt`, and what the terminal showed.
    fn run(self, fixture: &Fixture) -> Ran {
        let mut script = Command::new("script");
        let program = env!("CARGO_BIN_EXE_alt");
        let line = format!(
            "stty rows 8 cols 100; '{program}' {} '{}'",
            self.arguments,
            fixture.path().display()
        );
        script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
        script.current_dir(&fixture.dir).stdin(Stdio::null());
        for name in ["ALT_PAGER", "PAGER", "LESS", "NO_COLOR"] {
            script.env_remove(name);
        }
        script.env("TERM", "xterm").envs(self.variables);
        let mut ran = finish(&mut script);
        ran.stdout = ran.stdout.replace("\r\n", "\n");
        ran
    }
}

/// The fixture, where there is `script`.
fn fixture(test: &str) -> Option<Fixture> {
    let mut script = Command::new("script");
    if cfg!(target_os = "linux") && script.arg("--version").output().is_ok() {
        return Fixture::new(test);
    }
    skip::because(&format!("{test}: needs `script` (Debian: bsdutils)"));
    None
}

const MARK: &str = "sed s/^/paged:/";

#[test]
fn long_text_goes_to_the_pager() {
    let Some(fixture) = fixture("long_text_goes_to_the_pager") else {
        return;
    };
    fixture.write("seal", NO_SITES);
    for command in ["dump", "dump --json", "stats", "verify --seal seal"] {
        let ran = Terminal::new(command).with("PAGER", MARK).run(&fixture);
        // The status is that of the command.
        let expected = i32::from(command.starts_with("verify"));
        assert_eq!(ran.status, expected, "{ran:?}");
        let paged = |line: &str| line.starts_with("paged:");
        assert!(ran.stdout.lines().all(paged), "{command}: {ran:?}");
        assert!(ran.stdout.lines().count() > 8, "{command}: {ran:?}");
    }
}

#[test]
fn colours_go_to_the_pager() {
    let Some(fixture) = fixture("colours_go_to_the_pager") else {
        return;
    };
    let with = |name, value| {
        let terminal = Terminal::new("dump").with("PAGER", MARK);
        terminal.with(name, value).run(&fixture).stdout
    };
    assert!(with("LANG", "C").contains("\u{1b}[1m"));
    assert!(!with("NO_COLOR", "1").contains('\u{1b}'));
}

#[test]
fn what_fits_goes_to_the_terminal() {
    let Some(fixture) = fixture("what_fits_goes_to_the_terminal") else {
        return;
    };
    let short = Terminal::new("verify").with("PAGER", MARK).run(&fixture);
    assert_eq!(short.status, 0, "{short:?}");
    assert!(short.stdout.contains("13 sites"), "{short:?}");
    assert!(!short.stdout.contains("paged:"), "{short:?}");
}

/// `ALT_PAGER` comes first; `cat`, nothing and `--no-pager` are no pager.
#[test]
fn the_user_chooses_the_pager() {
    let Some(fixture) = fixture("the_user_chooses_the_pager") else {
        return;
    };
    let plain = Terminal::new("--no-pager dump").with("PAGER", MARK);
    let plain = plain.run(&fixture).stdout;
    assert!(plain.contains("13 sites") && !plain.contains("paged:"));
    for none in ["cat", "", " "] {
        let terminal = Terminal::new("dump").with("ALT_PAGER", none);
        let ran = terminal.with("PAGER", MARK).run(&fixture);
        assert_eq!((ran.status, ran.stdout), (0, plain.clone()), "{none}");
    }
    // A shell runs what is more than words.
    let terminal = Terminal::new("dump").with("PAGER", "sed 's/^/mine:/' | head -1");
    let ran = terminal.run(&fixture);
    assert_eq!((ran.status, ran.stdout.lines().count()), (0, 1), "{ran:?}");
    assert!(ran.stdout.starts_with("mine:"), "{ran:?}");
    // Without a pager that starts, the text is shown all the same.
    let terminal = Terminal::new("dump").with("PAGER", "no-such-pager");
    let ran = terminal.run(&fixture);
    let (note, text) = ran.stdout.split_once('\n').unwrap();
    assert!(note.contains("no-such-pager: "), "{note}");
    assert_eq!((ran.status, text), (0, &*plain));
}

/// A pager that is left before the end is no error.
#[test]
fn leaving_the_pager_keeps_the_status() {
    let Some(fixture) = fixture("leaving_the_pager_keeps_the_status") else {
        return;
    };
    fixture.write("seal", NO_SITES);
    for (arguments, status) in [("dump --json", 0), ("verify --seal seal", 1)] {
        let terminal = Terminal::new(arguments).with("PAGER", "true");
        let ran = terminal.run(&fixture);
        assert_eq!((ran.status, &*ran.stdout), (status, ""), "{ran:?}");
    }
}

/// Ctrl-C is for the pager: `alt` waits for it.
#[test]
fn an_interrupt_is_for_the_pager() {
    let Some(fixture) = fixture("an_interrupt_is_for_the_pager") else {
        return;
    };
    let pager = "trap '' INT; cat >text; kill -INT $PPID; sleep 1; echo left";
    let ran = Terminal::new("dump").with("PAGER", pager).run(&fixture);
    assert_eq!((ran.status, &*ran.stdout), (0, "left\n"), "{ran:?}");
}
