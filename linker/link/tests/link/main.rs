//! Images through the linker: which records stay, where, and what is refused.
//!
//! By rust-lld always, and by GNU ld where it is installed.

use std::path::PathBuf;
use std::process::Command;

use object::{LittleEndian, elf, read::elf::FileHeader as _, read::elf::ProgramHeader as _};
use tempfile::TempDir;
use test_support::{Cross, Image, Linker, workspace};

/// Where the tables go.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Script {
    /// No script at all: the sections are orphans.
    None,
    /// `-Talternatives.x` and nothing else.
    Alone,
    /// A script that knows nothing of alternatives: orphans again.
    Plain,
    /// `-Talternatives.x` beside such a script.
    Beside,
    /// A script that includes `alternatives-init.x`.
    Include,
    /// `-Talternatives.x` beside such a script.
    Both,
    /// A script that includes it, after another place has taken the tables.
    Taken,
    /// A script that includes it after `.bss` and before a section without input.
    Behind,
    /// A script whose read-only data takes all sections by a wildcard.
    Wildcard,
    /// A script that includes it, and knows all other sections: for `--orphan-handling=error`.
    Orphans,
}

const SCRIPTS: [Script; 5] = [
    Script::None,
    Script::Alone,
    Script::Plain,
    Script::Beside,
    Script::Include,
];

/// Optimisation, as flags of rustc.
const BUILDS: [(&str, &[&str]); 5] = [
    ("dev", &["-Copt-level=0", "-Ccodegen-units=256"]),
    ("release", &["-Copt-level=3"]),
    (
        "fat LTO",
        &["-Copt-level=3", "-Clto=fat", "-Ccodegen-units=1"],
    ),
    ("thin LTO", &["-Copt-level=3", "-Clto=thin"]),
    (
        "size",
        &["-Copt-level=s", "-Clto=off", "-Ccodegen-units=16"],
    ),
];

struct Link {
    cross: Cross,
    dir: TempDir,
}

impl Link {
    fn new(test: &str) -> Option<Self> {
        let cross = Cross::new(test)?;
        let dir = TempDir::new().unwrap();
        alt_linker::write_scripts(dir.path()).unwrap();
        Some(Self { cross, dir })
    }

    /// Compiles and links a fixture; the linker's words if it refuses.
    fn link(
        &self,
        fixture: &str,
        linker: Linker,
        script: Script,
        configure: impl FnOnce(&mut Command),
    ) -> Result<Image, String> {
        let image = self.dir.path().join("image");
        let own = |name| format!("-T{}", fixtures().join(name).display());
        let scripts: &[String] = match script {
            Script::None => &[],
            Script::Alone => &["-Talternatives.x".into()],
            Script::Plain => &[own("plain.ld")],
            Script::Beside => &["-Talternatives.x".into(), own("plain.ld")],
            Script::Include => &[own("include.ld")],
            Script::Both => &["-Talternatives.x".into(), own("include.ld")],
            Script::Taken => &[own("taken.ld")],
            Script::Behind => &[own("behind.ld")],
            Script::Wildcard => &[own("wildcard.ld")],
            Script::Orphans => &[own("orphans.ld")],
        };
        let mut rustc = self.cross.rustc();
        rustc
            .arg(fixtures().join(fixture))
            .arg("-o")
            .arg(&image)
            .arg("-L")
            .arg(self.dir.path());
        rustc.args(scripts.iter().map(|script| format!("-Clink-arg={script}")));
        if linker == Linker::Gnu {
            linker.select(&mut rustc);
            if matches!(script, Script::None | Script::Plain) {
                // As lld does without asking: bounds of a section do not pin it.
                rustc.arg("-Clink-arg=-zstart-stop-gc");
            }
        }
        configure(&mut rustc);
        let output = rustc.output().unwrap();
        if output.status.success() {
            Ok(Image::open(&image).unwrap())
        } else {
            Err(String::from_utf8(output.stderr).unwrap())
        }
    }
}

fn fixtures() -> PathBuf {
    workspace().join("linker/link/tests/link/fixtures")
}

/// Records of functions that are called stay, others go, and each table is in the
/// order of the sites.
#[track_caller]
fn judge(image: &Image, script: Script, at: &str) {
    let section = |name| {
        image
            .section(name)
            .unwrap_or_else(|| panic!("{at}: no {name}"))
    };
    let word = |address| {
        let bytes = image
            .bytes(address, 4)
            .unwrap_or_else(|| panic!("{at}: {address:#x}"));
        u32::from_le_bytes(bytes.try_into().unwrap())
    };
    let follow = |field: u64| field.wrapping_add_signed(i64::from(word(field) as i32));
    let live = (0..=20).step_by(2).collect::<Vec<u32>>();

    for (name, size) in [("alt_branches", 8), ("alt_records", 12)] {
        let table = section(name);
        assert_eq!(
            image.symbol(&format!("__start_{name}")).unwrap(),
            table.range.start,
            "{at}"
        );
        assert_eq!(
            image.symbol(&format!("__stop_{name}")).unwrap(),
            table.range.end,
            "{at}"
        );
        let records: Vec<u64> = table.range.clone().step_by(size).collect();
        let sites: Vec<u64> = records.iter().map(|&record| follow(record)).collect();
        assert!(
            sites.is_sorted_by(|a, b| a < b),
            "{at}: {name} is not sorted: {sites:x?}"
        );
        let executable = |site| {
            image
                .sections()
                .iter()
                .any(|s| s.executable && s.range.contains(&site))
        };
        assert!(
            sites.iter().all(|&site| executable(site)),
            "{at}: {name}: {sites:x?}"
        );

        let mut caps = Vec::new();
        for (record, site) in records.into_iter().zip(sites) {
            if name == "alt_branches" {
                assert_eq!(word(site) >> 26, 5, "{at}: a likely site is a B");
                caps.push(word(record + 4) & 0x1fff);
            } else {
                let cap = word(record + 8) & 0x1fff;
                assert_eq!(
                    word(site),
                    0xd503_201f | cap << 5,
                    "{at}: HINT #cap (Arm ARM C6.2)"
                );
                let replacement = follow(record + 4);
                assert!(
                    section("alt_replacements").range.contains(&replacement),
                    "{at}"
                );
                assert_eq!(word(replacement), 0xd400_0001 | cap << 5, "{at}: SVC #cap");
                caps.push(cap);
            }
        }
        caps.sort_unstable();
        assert_eq!(caps, live, "{at}: {name}");
    }
    assert_eq!(
        section("alt_replacements").bytes.len(),
        4 * live.len(),
        "{at}"
    );
    // Two words for each function, and 12 bytes for each word; none of them loaded.
    let bound = |name| image.symbol(name).unwrap();
    let needed = bound("__stop_alt_plan_size") - bound("__start_alt_plan_size");
    assert_eq!(needed, 12 * 2 * live.len() as u64, "{at}");
    assert!(image.section("alt_plan_size").is_none(), "{at}");

    if !matches!(script, Script::None | Script::Plain) {
        let given_back = bound("__alt_tables_start")..bound("__alt_tables_end");
        for name in ["alt_branches", "alt_records", "alt_replacements"] {
            let range = &section(name).range;
            let inside = given_back.start <= range.start && range.end <= given_back.end;
            assert!(inside, "{at}: {name} at {range:x?}, {given_back:x?}");
        }
    }
    if script != Script::Include {
        // Nothing that a kernel's script does not know is writable.
        assert!(image.section("alt_plan").is_none(), "{at}");
        return;
    }
    let room = section("alt_plan");
    assert_eq!(bound("__start_alt_plan"), room.range.start, "{at}");
    assert_eq!(bound("__stop_alt_plan") - room.range.start, needed, "{at}");
    assert!(
        room.bytes.is_empty() && is_writable(image, room.range.start),
        "{at}"
    );
    // On separate pages, and freed with the tables.
    assert_eq!(
        [room.range.start % 4096, room.range.end % 4096],
        [0, 0],
        "{at}"
    );
    assert_eq!(room.range.end, bound("__alt_tables_end"), "{at}");
}

/// Whether a segment says that memory is writable.
fn is_writable(image: &Image, address: u64) -> bool {
    let file = image.file();
    let elf = elf::FileHeader64::<LittleEndian>::parse(file).unwrap();
    let mut segments = elf.program_headers(LittleEndian, file).unwrap().iter();
    segments.any(|segment| {
        let start = segment.p_vaddr(LittleEndian);
        let range = start..start + segment.p_memsz(LittleEndian);
        let is_load = segment.p_type(LittleEndian) == elf::PT_LOAD;
        is_load && range.contains(&address) && segment.p_flags(LittleEndian).contains(elf::PF_W)
    })
}

#[test]
fn records_live_and_die_with_their_function() {
    let test = "records_live_and_die_with_their_function";
    let Some(link) = Link::new(test) else { return };
    for &linker in Linker::installed(test) {
        for (build, flags) in BUILDS {
            for script in SCRIPTS {
                let at = format!("{build}, {linker:?}, {script:?}");
                let image = link.link("many.rs", linker, script, |rustc| {
                    rustc.args(flags);
                });
                let image = image.unwrap_or_else(|error| panic!("{at}: {error}"));
                judge(&image, script, &at);
            }
        }
    }
}

#[test]
fn fragment_names_every_section_of_ours() {
    let test = "fragment_names_every_section_of_ours";
    let Some(link) = Link::new(test) else { return };
    for &linker in Linker::installed(test) {
        let image = link.link("many.rs", linker, Script::Orphans, |rustc| {
            rustc.args(BUILDS[1].1);
            rustc.arg("-Clink-arg=--orphan-handling=error");
        });
        let image = image.unwrap_or_else(|error| panic!("{linker:?}: {error}"));
        // They are not loaded.
        for name in [".alt_cpucaps", ".alt_namespaces"] {
            assert!(image.section(name).is_none(), "{linker:?}: {name}");
        }
        for names in ["names of cpucaps\0", "names of namespaces\0"] {
            let mut places = image.file().windows(names.len());
            let is_there = places.any(|place| place == names.as_bytes());
            assert!(is_there, "{linker:?}: {names:?}");
        }
    }
}

#[test]
fn image_without_a_site_links() {
    let test = "image_without_a_site_links";
    let Some(link) = Link::new(test) else { return };
    for &linker in Linker::installed(test) {
        for script in SCRIPTS {
            let image = link.link("none.rs", linker, script, |_| {});
            let image = image.unwrap_or_else(|error| panic!("{linker:?}, {script:?}: {error}"));
            for name in ["alt_branches", "alt_records", "alt_replacements"] {
                let empty = image
                    .section(name)
                    .is_none_or(|section| section.range.is_empty());
                assert!(empty, "{linker:?}, {script:?}: {name}");
            }
        }
    }
}

/// Text that makes a section which is not collected.
fn section(name: &str, text: &str) -> String {
    format!(".pushsection {name}, \"aR\"\n{text}\n.popsection")
}

/// What the linker says of an image with `text` in it, as one line.
#[track_caller]
fn refused(link: &Link, linker: Linker, text: &str) -> String {
    let error = link.link("asm.rs", linker, Script::Include, |rustc| {
        rustc.env("TEXT", text);
    });
    error
        .expect_err("the image must not link")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn each_assert_of_the_script_speaks() {
    let test = "each_assert_of_the_script_speaks";
    let Some(link) = Link::new(test) else { return };
    for &linker in Linker::installed(test) {
        for (name, text, message) in [
            (
                "alt_branches",
                ".skip 12",
                "alt_branches is not a whole number of 8-byte records",
            ),
            (
                "alt_records",
                ".skip 8",
                "alt_records is not a whole number of 12-byte records",
            ),
            (
                "alt_callbacks",
                ".skip 8",
                "alt_callbacks contains something other than callbacks",
            ),
            (
                "alt_replacements",
                ".byte 1",
                "the replacements are not whole instructions",
            ),
        ] {
            let error = refused(&link, linker, &section(name, text));
            assert!(error.contains(message), "{linker:?}: {error}");
        }
        // Without the runtime's own object, so that only the script reports it.
        let error = link
            .link("version.rs", linker, Script::Include, |_| {})
            .unwrap_err();
        assert!(error.contains("ERROR(alt-linker): the objects hold records of another layout"));
    }
}

#[test]
fn both_fragments_at_once_do_not_link() {
    let test = "both_fragments_at_once_do_not_link";
    let Some(link) = Link::new(test) else { return };
    for &linker in Linker::installed(test) {
        let error = link.link("many.rs", linker, Script::Both, |_| {});
        let error = error.expect_err("the tables are placed twice");
        assert!(
            error.contains("ERROR(alt-linker): the tables are placed twice")
                && error.contains("Drop -Talternatives.x"),
            "{linker:?}: {error}"
        );
    }
}

#[test]
fn tables_that_another_place_takes_do_not_link() {
    let test = "tables_that_another_place_takes_do_not_link";
    let Some(link) = Link::new(test) else { return };
    for &linker in Linker::installed(test) {
        let error = link.link("many.rs", linker, Script::Taken, |_| {});
        let error = error.expect_err("the tables are empty");
        assert!(
            error.contains("ERROR(alt-linker): the image has sites, but their tables are empty"),
            "{linker:?}: {error}"
        );
    }
}

/// The linker defines no bounds then, and a kernel would find no sites.
#[test]
fn tables_that_a_wildcard_takes_do_not_link() {
    let test = "tables_that_a_wildcard_takes_do_not_link";
    let Some(link) = Link::new(test) else { return };
    for &linker in Linker::installed(test) {
        for fixture in ["many.rs", "none.rs"] {
            let error = link.link(fixture, linker, Script::Wildcard, |_| {});
            let error = error.expect_err("no section has bounds");
            assert!(
                error.contains("undefined") && error.contains("__start_alt_plan_size"),
                "{linker:?}, {fixture}: {error}"
            );
        }
    }
}

/// Wherever the fragment is included, the room is writable, and what is after it is placed.
#[test]
fn fragment_disturbs_nothing_around_it() {
    let test = "fragment_disturbs_nothing_around_it";
    let Some(link) = Link::new(test) else { return };
    for &linker in Linker::installed(test) {
        for fixture in ["many.rs", "none.rs"] {
            let image = link.link(fixture, linker, Script::Behind, |_| {});
            let image = image.unwrap_or_else(|error| panic!("{linker:?}, {fixture}: {error}"));
            let bound = |name| image.symbol(name).unwrap();
            let at = format!("{linker:?}, {fixture}");
            assert_eq!(bound("stack_start"), bound("__alt_tables_end"), "{at}");
            assert_eq!(bound("_end") - bound("stack_start"), 0x4000, "{at}");
            assert!(is_writable(&image, bound("stack_start")), "{at}");
            if fixture == "many.rs" {
                assert!(is_writable(&image, bound("__start_alt_plan")), "{at}");
            }
        }
    }
}

#[test]
fn layouts_of_two_versions_do_not_link() {
    let test = "layouts_of_two_versions_do_not_link";
    let Some(link) = Link::new(test) else { return };
    for &linker in Linker::installed(test) {
        let text = ".globl __alt_layout_version\n.set __alt_layout_version, 3";
        for script in SCRIPTS {
            let error = link.link("asm.rs", linker, script, |rustc| {
                rustc.env("TEXT", text);
            });
            let error = error.expect_err("two layouts in one image");
            assert!(
                error.contains("__alt_layout_version"),
                "{linker:?}, {script:?}: {error}"
            );
        }
    }
}

/// Pairs of functions in `equal.rs` that differ by a record only.
const PAIRS: [&str; 10] = [
    "branch", "likely", "cap", "arm", "arms", "callback", "nops", "near", "site", "asm",
];

/// `--icf=all` folds functions of equal text; not those whose records differ.
#[test]
fn equal_functions_with_different_records_stay_apart() {
    let test = "equal_functions_with_different_records_stay_apart";
    let Some(link) = Link::new(test) else { return };
    for (build, flags) in BUILDS {
        for script in [Script::Plain, Script::Include] {
            let image = link.link("equal.rs", Linker::Lld, script, |rustc| {
                rustc.args(flags).arg("-Clink-arg=--icf=all");
            });
            let at = format!("{build}, {script:?}");
            let image = image.unwrap_or_else(|error| panic!("{at}: {error}"));
            let addresses = |name| [0, 1].map(|i| image.symbol(&format!("{name}_{i}")).unwrap());
            let [first, second] = addresses("control");
            assert_eq!(first, second, "{at}: nothing was folded");
            for pair in PAIRS {
                let [first, second] = addresses(pair);
                assert_ne!(first, second, "{at}: {pair}");
            }
        }
    }
}
