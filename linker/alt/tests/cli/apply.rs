//! `alt apply` of images with our own records.

use std::fs;

use test_support::Image;

use crate::fixture::{ANSWERS, Fixture, Has, file_with, word};
use crate::run::{Ran, alt, command, finish};

/// Records of the fixture: 2 branches; 1 for each arm, 2 for the conjunction.
const RECORDS: usize = 16;

fn apply(fixture: &Fixture, arguments: &[&str]) -> Ran {
    let input = fixture.path().to_str().unwrap();
    let output = fixture.file("applied image");
    let output = output.to_str().unwrap();
    alt(["apply", input, "-o", output].iter().chain(arguments))
}

fn is_as_expected(fixture: &Fixture, has: Has, answered: bool) {
    let applied = Image::open(&fixture.file("applied image")).unwrap();
    let mut words = Vec::new();
    for (name, expected) in fixture.expected(has, answered) {
        let site = fixture.symbol(name);
        for (address, expected) in (site..).step_by(4).zip(expected) {
            let found = word(&applied, address);
            assert_eq!(found, expected, "{name}, {address:#x}: {found:#x}, {has:?}");
            words.push((address, expected));
        }
    }
    let file = file_with(&fixture.image, words);
    assert!(applied.file() == file, "more than the sites has changed");
}

fn last_line(applied: usize, left: usize) -> String {
    format!("applied {applied} of {RECORDS} records, {left} callbacks left\n")
}

#[test]
fn sites_become_what_they_must() {
    let Some(fixture) = Fixture::new("sites_become_what_they_must") else {
        return;
    };
    let answers = fixture.write("answers.toml", ANSWERS);
    let answers = answers.to_str().unwrap();
    // Records that apply, by hand: with LSE long_pad, call; with PAN short_pad, near, both
    // branches, nops, init; of arms one, or the two of the conjunction; negated without LSE.
    let systems = [
        ("ALWAYS", false, false, 1),
        ("LSE,ALWAYS", true, false, 3),
        ("0, PAN", false, true, 8),
        ("0,1,2", true, true, 10),
    ];
    for (caps, lse, pan, applied) in systems {
        let has = Has { lse, pan };
        let out = apply(&fixture, &["--caps", caps]).clean();
        assert!(out.ends_with(&last_line(applied, 2)), "{caps}: {out}");
        let left = format!(
            "left {:#x} conduit: callback CONDUIT\n",
            fixture.symbol("conduit")
        );
        assert!(out.starts_with(&left), "{out}");
        is_as_expected(&fixture, has, false);

        let out = apply(&fixture, &["--caps", caps, "--callbacks", answers]).clean();
        assert_eq!(out, last_line(applied + 2, 0));
        is_as_expected(&fixture, has, true);
    }
    // Without ALWAYS the callbacks do not apply at all.
    let out = apply(&fixture, &["--caps", ""]).clean();
    assert_eq!(out, last_line(1, 0));
}

#[test]
fn models_and_command_lines_decide() {
    let Some(fixture) = Fixture::new("models_and_command_lines_decide") else {
        return;
    };
    let open = ["--assume", "!OPEN"];
    // Cortex-A53 is Armv8.0, Cortex-A76 has FEAT_LSE and FEAT_PAN (their TRMs).
    let none: &[&str] = &[];
    for (cpu, more, lse, pan) in [
        ("cortex-a53", none, false, false),
        ("cortex-a76", none, true, true),
        (
            "cortex-a76",
            &["--cmdline", "quiet arm64.nolse"][..],
            false,
            true,
        ),
        (
            "cortex-a76",
            &["--cmdline", "id_aa64mmfr1.pan=0"][..],
            true,
            false,
        ),
    ] {
        apply(&fixture, &[&["--cpu", cpu][..], &open, more].concat()).clean();
        is_as_expected(&fixture, Has { lse, pan }, false);
    }
    apply(&fixture, &["--cpu", "cortex-a53", "--assume", "OPEN"]).clean();
    let applied = Image::open(&fixture.file("applied image")).unwrap();
    // mov x0, #7
    assert_eq!(word(&applied, fixture.symbol("open")), 0xd280_00e0);
}

#[test]
fn an_applied_image_stays_as_it_is() {
    let Some(fixture) = Fixture::new("an_applied_image_stays_as_it_is") else {
        return;
    };
    let answers = fixture.write("answers.toml", ANSWERS);
    let answers = answers.to_str().unwrap();
    for caps in ["ALWAYS", "ALWAYS,LSE,PAN"] {
        for more in [&[][..], &["--callbacks", answers]] {
            let system = [&["--caps", caps][..], more].concat();
            let first = apply(&fixture, &system).clean();
            let once = fs::read(fixture.file("applied image")).unwrap();
            let image = fixture.file("applied image");
            let image = image.to_str().unwrap();
            // In place, too.
            let second = alt([&["apply", image, "-o", image][..], &system].concat()).clean();
            assert_eq!(first, second);
            assert!(fs::read(image).unwrap() == once, "{system:?}");
        }
    }
}

#[test]
fn the_output_is_whole_or_as_it_was() {
    let Some(fixture) = Fixture::new("the_output_is_whole_or_as_it_was") else {
        return;
    };
    let image = fixture.path().to_str().unwrap();
    let to = |output: &str| alt(["apply", image, "--caps", "LSE", "-o", output]);
    let nowhere = fixture.file("no such folder").join("out");
    to(nowhere.to_str().unwrap()).refused(&["no such folder/out: No such file"]);
    let folder = fixture.dir.path().to_str().unwrap();
    to(folder).refused(&[folder, "is a directory"]);

    // A refusal leaves what was there.
    let there = fixture.write("there", "precious");
    let there = there.to_str().unwrap();
    alt(["apply", image, "--caps", "NOT_A_CAP", "-o", there]).refused(&["NOT_A_CAP"]);
    assert_eq!(fs::read_to_string(there).unwrap(), "precious");
    // And no run leaves a file of its own.
    let names = || {
        let entries = fs::read_dir(fixture.dir.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    to(there).clean();
    assert_eq!(names(), before);
    assert_ne!(fs::read(there).unwrap(), b"precious");
}

#[cfg(unix)]
#[test]
fn permissions_and_links_stay() {
    use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    let Some(fixture) = Fixture::new("permissions_and_links_stay") else {
        return;
    };
    let image = fixture.path().to_str().unwrap();
    let to = |output: &str| alt(["apply", image, "--caps", "LSE", "-o", output]).clean();
    let mode = |path: &str| fs::metadata(path).unwrap().mode() & 0o777;
    let out = fixture.file("out");
    let out = out.to_str().unwrap();
    for bits in [0o750, 0o640] {
        fs::set_permissions(image, fs::Permissions::from_mode(bits)).unwrap();
        to(out);
        assert_eq!(mode(out), bits);
    }
    let link = fixture.file("link");
    symlink("out", &link).unwrap();
    fs::write(out, "").unwrap();
    to(link.to_str().unwrap());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_ne!(fs::metadata(out).unwrap().len(), 0);
    // What is no file is not replaced by one. (Of devices this would cost the machine one, where
    // it went wrong.)
    let socket = fixture.file("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    let output = socket.to_str().unwrap();
    alt(["apply", image, "--caps", "LSE", "-o", output]).refused(&["socket: "]);
    assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
    let readonly = fixture.write("readonly", "");
    let readonly = readonly.to_str().unwrap();
    fs::set_permissions(readonly, fs::Permissions::from_mode(0o444)).unwrap();
    alt(["apply", image, "--caps", "LSE", "-o", readonly]).refused(&["permission denied"]);
}

#[cfg(unix)]
#[test]
fn output_that_cannot_be_written_is_an_error() {
    let Some(fixture) = Fixture::new("output_that_cannot_be_written_is_an_error") else {
        return;
    };
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let out = fixture.file("out");
    let mut command = command();
    let command = command.arg("apply").arg(fixture.path()).arg("-o").arg(out);
    finish(command.args(["--caps", "LSE"]).stdout(full)).refused(&["standard output: "]);
}

#[test]
fn a_reader_that_has_seen_enough_changes_nothing() {
    let Some(fixture) = Fixture::new("a_reader_that_has_seen_enough_changes_nothing") else {
        return;
    };
    let mut command = command();
    let out = fixture.file("out");
    command.arg("apply").arg(fixture.path()).arg("-o").arg(out);
    // Its reader is gone before it begins.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ran = finish(command.args(["--caps", "0"]).stdout(writer));
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
}

#[test]
fn colours_are_for_terminals() {
    let Some(fixture) = Fixture::new("colours_are_for_terminals") else {
        return;
    };
    let run = |variables: &[(&str, &str)]| {
        let mut command = command();
        let out = fixture.file("out");
        command.arg("apply").arg(fixture.path()).arg("-o").arg(out);
        finish(
            command
                .args(["--caps", "0"])
                .envs(variables.iter().copied()),
        )
        .clean()
    };
    assert!(!run(&[]).contains('\x1b'));
    // As on a terminal.
    assert!(run(&[("CLICOLOR_FORCE", "1")]).contains('\x1b'));
    assert!(!run(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).contains('\x1b'));
}
