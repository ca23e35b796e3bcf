//! The output of `alt dump` and `alt stats` for small images with hand-written records.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{fs, str};

use alt_image::dump::{Dump, DumpError, Filter};
use alt_image::image::Image;
use alt_image::names::CapNames;
use alt_image::records::Records;
use alt_image::stats::{Split, Stats};
use serde_json::Value;
use tempfile::TempDir;
use test_support::{Cross, workspace};

use crate::linux;

/// Names of the cpucaps of sites.s.
const CAPS: &str = "LSE\nPAN\nUAO\nSB\n";

/// Those of records.s.
const LINUX_CAPS: &str = "ZERO\nONE\nTWO\nTHREE\nFOUR\nFIVE\n";

/// An image of each format, and the names of its cpucaps, as files.
struct Fixture {
    dir: TempDir,
    image: PathBuf,
}

fn sites(cross: &Cross) -> Fixture {
    let dir = TempDir::new().unwrap();
    alt_linker::write_scripts(dir.path()).unwrap();
    fs::write(dir.path().join("caps"), CAPS).unwrap();
    let fixtures = workspace().join("linker/alt/tests/cli/dump/fixtures");
    let image = dir.path().join("sites");
    let output = cross
        .rustc()
        // One unit, since the order of the sections decides the addresses.
        .args(["-Cpanic=abort", "-Ccodegen-units=1"])
        .arg("-Crelocation-model=static")
        .arg(fixtures.join("sites.rs"))
        .arg("-o")
        .arg(&image)
        .arg("-L")
        .arg(dir.path())
        .arg(format!(
            "-Clink-arg=-T{}",
            fixtures.join("sites.ld").display()
        ))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    Fixture { dir, image }
}

fn records(cross: &Cross) -> Fixture {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("caps"), LINUX_CAPS).unwrap();
    let image = linux::records(cross, dir.path());
    Fixture { dir, image }
}

impl Fixture {
    fn open(&self) -> (Image, Records, CapNames) {
        let image = Image::parse(fs::read(&self.image).unwrap()).unwrap();
        let records = Records::find(&image, None).unwrap();
        let names = fs::read_to_string(self.dir.path().join("caps")).unwrap();
        (image, records, CapNames::from_linux(&names).unwrap())
    }

    fn dump(&self, cap: Option<&str>, site: Option<&str>) -> Result<Dump, DumpError> {
        let (image, records, names) = self.open();
        let filter = Filter {
            caps: cap.map(String::from).into_iter().collect(),
            site: site.map(String::from),
            ..Filter::default()
        };
        Dump::new(&image, &records, &names, &filter)
    }

    fn alt(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_alt"));
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .arg("--cpucaps")
            .arg(self.dir.path().join("caps"))
            .arg(&self.image)
            .envs(environment.iter().copied())
            .output()
            .unwrap()
    }

    fn text(&self, arguments: &[&str]) -> String {
        let output = self.alt(arguments, &[]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{errors}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// What the file beside this test says.
#[track_caller]
fn expect(text: &str, file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cli/dump/fixtures")
        .join(file);
    let expected = fs::read_to_string(&path).unwrap();
    assert!(
        text == expected,
        "not as in {file}, but:\n{text}\n(the words there have been compared with objdump's)"
    );
}

#[test]
fn sites_are_shown_as_they_become() {
    let Some(cross) = Cross::new("sites_are_shown_as_they_become") else {
        return;
    };
    let ours = sites(&cross);
    expect(&ours.text(&["dump"]), "sites.txt");
    expect(&ours.text(&["dump", "--json"]), "sites.json");
    let linux = records(&cross);
    expect(&linux.text(&["dump"]), "records.txt");
}

/// records.expect has words of an assembler.
#[test]
fn words_of_linux_are_those_of_the_assembler() {
    let Some(cross) = Cross::new("words_of_linux_are_those_of_the_assembler") else {
        return;
    };
    let dump = records(&cross).dump(None, None).unwrap();
    let expected =
        fs::read_to_string(workspace().join("linker/alt/tests/cli/linux/records.expect"));
    let expected = expected.unwrap();
    let mut compared = 0;
    for line in expected.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('#').next().unwrap().split_whitespace();
        let (name, address) = (fields.next().unwrap(), fields.next().unwrap());
        let address = u64::from_str_radix(address, 16).unwrap();
        let words: Vec<_> = fields
            .map(|w| u32::from_str_radix(w, 16).unwrap())
            .collect();
        let site = dump.sites.iter().find(|site| site.address == address);
        let arm = &site.unwrap().arms[0];
        // Caps 1, 2 and 3 are present there.
        if arm.callback.is_some() || arm.terms[0][0].cap > 3 {
            continue;
        }
        let ours: Vec<_> = arm.words.as_ref().unwrap().iter().map(|i| i.word).collect();
        assert_eq!(ours, words, "{name}");
        compared += 1;
    }
    assert_eq!(compared, 13);
}

/// The records of an image of Linux's format once `change` has been at its table.
fn changed(fixture: &Fixture, change: impl Fn(&mut [[u8; 12]], &dyn Fn(&str) -> u64)) -> Dump {
    let (image, records, names) = fixture.open();
    let range = records.alternatives.range;
    let section = image.section_at(range.start).unwrap();
    let start = section.offset_of(range.start).unwrap();
    let mut data = image.data().to_vec();
    let table = &mut data[start..][..usize::try_from(range.end - range.start).unwrap()];
    // From the start of the table.
    let symbol = |name: &str| image.symbol(name).unwrap().wrapping_sub(range.start);
    change(table.as_chunks_mut().0, &symbol);
    let image = Image::parse(data).unwrap();
    let records = Records::find(&image, None).unwrap();
    Dump::new(&image, &records, &names, &Filter::default()).unwrap()
}

#[test]
fn arms_of_linux_win_from_the_last() {
    let Some(cross) = Cross::new("arms_of_linux_win_from_the_last") else {
        return;
    };
    // The record of `past`, the tenth, is made one of `call`, whose own is the last.
    let dump = changed(&records(&cross), |table, symbol| {
        let offset = symbol("call").wrapping_sub(9 * 12) as u32;
        table[9][..4].copy_from_slice(&offset.to_le_bytes());
    });
    let sites = dump.sites.iter();
    let call = sites.filter(|site| site.place.as_deref() == Some("call"));
    let [call] = &call.collect::<Vec<_>>()[..] else {
        panic!("one site")
    };
    let conditions: Vec<_> = call.arms.iter().map(|arm| arm.condition.as_str()).collect();
    assert_eq!(conditions, ["TWO", "THREE"]);
    // `bl outside`, and `tbnz` to where it went.
    let words = call
        .arms
        .iter()
        .map(|arm| arm.words.as_ref().unwrap()[0].word);
    assert_eq!(words.collect::<Vec<_>>(), [0x9400_0017, 0x37f9_0562]);
}

#[test]
fn record_that_the_patcher_cannot_have_is_shown_with_the_reason() {
    let test = "record_that_the_patcher_cannot_have_is_shown_with_the_reason";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    // The length of the replacement of `plain`.
    let dump = changed(&records(&cross), |table, _| table[3][11] = 3);
    let refused: Vec<_> = dump
        .sites
        .iter()
        .filter_map(|site| Some((site.place.as_deref()?, site.arms[0].refused.as_deref()?)))
        .collect();
    let [("plain", why)] = refused[..] else {
        panic!("{refused:?}")
    };
    assert!(
        why.ends_with("3 bytes replace 4; Linux has no padding"),
        "{why}"
    );
    assert_eq!(dump.summary.refused, 1);
}

#[test]
fn filters_select() {
    let Some(cross) = Cross::new("filters_select") else {
        return;
    };
    let fixture = sites(&cross);
    let addresses = |cap, site| {
        let dump = fixture.dump(cap, site).unwrap();
        let sites = dump.sites.iter().map(|site| site.address & 0xffff);
        sites.collect::<Vec<_>>()
    };
    assert_eq!(addresses(Some("LSE"), None), [0x04, 0x14, 0x3c]);
    assert_eq!(addresses(Some("3"), None), [0x0c, 0x14, 0x44]);
    // Any instruction of a site, and no other.
    assert_eq!(addresses(None, Some("0x40200024")), [0x14]);
    assert_eq!(addresses(None, Some("1075839012")), [0x14]);
    assert_eq!(addresses(None, Some("atomic+0x8")), [0x14]);
    assert_eq!(addresses(None, Some("branches")), [0x04, 0x0c]);
    assert_eq!(addresses(Some("SB"), Some("branches")), [0x0c]);
    // A label of no size, inside a function.
    assert_eq!(addresses(None, Some("retry")), [0x14]);
    let mangled = "_ZN6kernel4trap5enter17h0123456789abcdefE";
    for name in [mangled, "kernel::trap::enter", "trap::enter", "enter"] {
        assert_eq!(addresses(None, Some(name)), [0x2c, 0x34], "{name}");
    }
    let text = fixture.text(&["dump", "--site", "enter", "--cap", "PAN"]);
    assert!(
        text.ends_with("\n1 of 8 sites, 1 of 13 records: 1 of NOPs\n"),
        "{text}"
    );
}

#[test]
fn what_matches_nothing_is_an_error_that_says_what_is_there() {
    let Some(cross) = Cross::new("what_matches_nothing_is_an_error_that_says_what_is_there") else {
        return;
    };
    let fixture = sites(&cross);
    let refused = |cap, site, message: &str| {
        let error = fixture.dump(cap, site).unwrap_err();
        // The most similar names come first; the order of the others is not tested.
        let text = error.to_string();
        assert!(text.starts_with(message), "{text}");
        error
    };
    let error = refused(Some("PAM"), None, "there is no cpucap PAM: there are PAN, ");
    assert!(matches!(error, DumpError::UnknownCap { .. }));
    let error = refused(
        Some("9"),
        None,
        "no site depends on the cpucap cap 9: there are ",
    );
    assert!(matches!(error, DumpError::CapWithoutSite { .. }));
    let error = refused(
        None,
        Some("atomik"),
        "there is neither a symbol nor an address atomik (addresses begin with 0x): of 6, the \
         nearest are atomic, ",
    );
    assert!(matches!(error, DumpError::UnknownSymbol { .. }));
    let error = refused(
        None,
        Some("conduit"),
        "no site is in conduit: of 6, the nearest are ",
    );
    assert!(matches!(error, DumpError::SymbolWithoutSite { .. }));
    for site in ["0x40200028", "atomic+0x14"] {
        let error = refused(
            None,
            Some(site),
            "no site is at 0x40200028: the nearest are 0x40200014 (atomic) and 0x4020002c \
             (kernel::trap::enter)",
        );
        assert!(matches!(error, DumpError::NoSiteAt { .. }));
    }
    let error = refused(
        Some("LSE"),
        Some("near"),
        "no site of near depends on the cpucap LSE: there are SB",
    );
    assert!(matches!(error, DumpError::NotBoth { .. }));
    // Where no names are known.
    let (image, records, _) = fixture.open();
    let filter = Filter {
        caps: vec!["LSE".into()],
        ..Filter::default()
    };
    let error = Dump::new(&image, &records, &CapNames::default(), &filter).unwrap_err();
    assert!(error.to_string().contains("no names are known"), "{error}");

    let output = fixture.alt(&["dump", "--site", "atomik"], &[]);
    assert_eq!(output.status.code(), Some(2));
    let message = str::from_utf8(&output.stderr).unwrap();
    assert!(message.starts_with("error: there is neither"), "{message}");
    assert!(output.stdout.is_empty());
}

/// Marks the text sections of an ELF file as data.
fn without_code(mut data: Vec<u8>) -> Vec<u8> {
    let word = |data: &[u8], at: usize| u64::from_le_bytes(data[at..at + 8].try_into().unwrap());
    let headers = usize::try_from(word(&data, 40)).unwrap();
    let count = usize::from(u16::from_le_bytes([data[60], data[61]]));
    for header in (0..count).map(|index| headers + 64 * index) {
        // SHF_EXECINSTR of sh_flags.
        data[header + 8] &= !4;
    }
    data
}

#[test]
fn image_without_text_is_refused() {
    let Some(cross) = Cross::new("image_without_text_is_refused") else {
        return;
    };
    let data = without_code(fs::read(sites(&cross).image).unwrap());
    let image = Image::parse(data).unwrap();
    let records = Records::find(&image, None).unwrap();
    let names = CapNames::default();
    let error = Dump::new(&image, &records, &names, &Filter::default()).unwrap_err();
    assert!(matches!(error, DumpError::Host(_)), "{error}");
    // Numbers there are all the same.
    assert_eq!(Stats::new(&image, &records, &names).kinds.len(), 4);
}

#[test]
fn colour_is_for_terminals() {
    let Some(cross) = Cross::new("colour_is_for_terminals") else {
        return;
    };
    let fixture = sites(&cross);
    let coloured = |command: &str, environment: &[(&str, &str)]| {
        fixture.alt(&[command], environment).stdout.contains(&0x1b)
    };
    for command in ["dump", "stats"] {
        assert!(!coloured(command, &[]), "{command} in a pipe");
        let force = ("CLICOLOR_FORCE", "1");
        assert!(coloured(command, &[force]), "{command}, forced");
        assert!(
            !coloured(command, &[("NO_COLOR", "1"), force]),
            "{command} without colour"
        );
    }
    // The changed words have a colour, the others do not.
    let output = fixture.alt(&["dump", "--site", "atomic"], &[("CLICOLOR_FORCE", "1")]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("| \x1b[36mf821001f  stadd x1, [x0]\x1b[0m\n"),
        "{text}"
    );
}

#[test]
fn bytes_are_counted() {
    let Some(cross) = Cross::new("bytes_are_counted") else {
        return;
    };
    let ours = sites(&cross);
    expect(&ours.text(&["stats"]), "sites-stats.txt");
    let linux = records(&cross);
    expect(&linux.text(&["stats"]), "records-stats.txt");

    // Counted by hand, from the sources.
    let of = |init, resident| Split { init, resident };
    let (image, records, names) = ours.open();
    let stats = Stats::new(&image, &records, &names);
    // 2 branches, 11 others; replacements 20 and, beside its function, 4; one callback.
    assert_eq!(stats.here.total, of(2 * 8 + 11 * 12 + 20 + 24, 4));
    // 11 arms; `unlikely` 4, `atomic` 3 of 20, `refused` 2 of 4, `near` 4, in init `setup` 4.
    assert_eq!(stats.there.total, of(11 * 12 + 4, 4 + 60 + 8 + 4));

    let (image, records, names) = linux.open();
    let stats = Stats::new(&image, &records, &names);
    // All of the image is resident, as there are no symbols around an init region: 16 records, 21
    // instructions of replacements.
    assert_eq!(stats.here.total, of(0, 16 * 12 + 21 * 4));
    // In ours, one is a branch, and 4 replacements of 8 instructions leave by short reach; there is
    // one callback, and there are 28 instructions for the plan.
    let there = of(8 + 15 * 12 + 4 * (21 - 8) + 24 + 12 * 28, 4 * 8);
    assert_eq!(stats.there.total, there);
    let json: Value = serde_json::from_str(&linux.text(&["stats", "--json"])).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["there"]["format"], "alt");
    assert_eq!(json["here"]["total"]["resident"], 16 * 12 + 21 * 4);
    let sum = |field: &str| {
        let groups = json[field].as_array().unwrap().iter();
        groups
            .map(|group| group["records"].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!((sum("kinds"), sum("caps")), (16, 16));
}
