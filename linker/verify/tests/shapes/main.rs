//! Links a kernel by linker scripts in the shape of other kernels'. No script names a section of
//! ours. The tests check where our code, tables and memory land.
//!
//! By rust-lld always, and by GNU ld where it is installed.

use std::fs;
use std::ops::Range;

use object::read::elf::{ElfFile64, FileHeader as _, ProgramHeader as _, SectionHeader as _};
use object::{LittleEndian as LE, Object as _, ObjectSymbol as _, elf};
use tempfile::TempDir;
use test_support::{Cross, Linker, workspace};

/// A script, and the symbols by which its kernel bounds what is mapped.
struct Shape {
    /// The name of the file in `fixtures/`; `None` for the linker's own script.
    script: Option<&'static str>,
    /// Where code of ours must be.
    text: [&'static str; 2],
    /// Where tables must be, up to the end of the last page.
    tables: [&'static str; 2],
    /// Where memory must be.
    memory: [&'static str; 2],
    /// Flags of rustc.
    flags: &'static [&'static str],
}

const SHAPES: [Shape; 6] = [
    Shape {
        script: Some("vectors-behind-data.ld"),
        text: ["__text_start", "__text_end"],
        // All of the image is mapped alike.
        tables: ["__text_end", "__vectors_start"],
        memory: ["__bss_start", "__bss_end"],
        flags: &[],
    },
    Shape {
        script: Some("rights-by-symbols.ld"),
        text: ["_stext", "_etext"],
        tables: ["_srodata", "_erodata"],
        memory: ["_sbss", "_ebss"],
        flags: &[],
    },
    Shape {
        script: Some("rights-by-symbols.ld"),
        text: ["_stext", "_etext"],
        tables: ["_srodata", "_erodata"],
        memory: ["_sbss", "_ebss"],
        flags: &[
            "-Crelocation-model=pie",
            "-Clink-arg=-pie",
            "-Clink-arg=--no-dynamic-linker",
            // The script discards `.gnu.hash`.
            "-Clink-arg=--hash-style=sysv",
        ],
    },
    Shape {
        script: Some("init-region.ld"),
        text: ["_stext", "_etext"],
        tables: ["__start_rodata", "__end_rodata"],
        memory: ["__bss_start", "__bss_stop"],
        flags: &[],
    },
    Shape {
        script: Some("one-region.ld"),
        text: ["text_begin", "text_end"],
        tables: ["rodata_begin", "rodata_end"],
        memory: ["bss_begin", "bss_end"],
        flags: &[],
    },
    Shape {
        script: None,
        // Both linkers define these where they are wanted.
        text: ["_start", "etext"],
        tables: ["", ""],
        memory: ["__bss_start", "end"],
        flags: &[
            "-Clink-arg=-uetext",
            "-Clink-arg=-uend",
            "-Clink-arg=-u__bss_start",
        ],
    },
];

/// Which tables the kernel has, as sections or as bounds.
const TABLES: [&str; 3] = ["alt_branches", "alt_records", "alt_replacements"];

#[test]
fn code_tables_and_room_are_where_a_foreign_script_maps_them() {
    let test = "code_tables_and_room_are_where_a_foreign_script_maps_them";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let dir = TempDir::new().unwrap();
    alt_linker::write_scripts(dir.path()).unwrap();
    for shape in &SHAPES {
        for &linker in Linker::installed(test) {
            // A region of MEMORY takes no section that names none.
            let beside = shape.script.is_some_and(|name| name != "one-region.ld");
            for fragment in [false, true] {
                if fragment && !beside {
                    continue;
                }
                let at = format!("{:?}, {linker:?}, fragment: {fragment}", shape.script);
                let image = link(&cross, &dir, shape, linker, fragment);
                judge(&Linked::new(&image, &at), shape);
                verified(image, &at);
            }
        }
    }
}

/// `alt verify` finds nothing but what is so: tables outside of the init region, and the site in
/// the vectors, which the kernel hands to the patcher as a range of its own.
fn verified(image: Vec<u8>, at: &str) {
    use alt_image::image::Image;
    use alt_image::names::CapNames;
    use alt_image::records::Records;
    use alt_verify::{Context, verify};

    let image = Image::parse(image).unwrap();
    let records = Records::find(&image, None).unwrap();
    let names = CapNames::default();
    let context = Context::new(&image, &records, &names).unwrap();
    let mut findings = verify(&context);
    let vectors = image.section(".vectors").map(|section| &section.range);
    findings.retain(|finding| match finding.rule {
        "tables-outside-init" => false,
        "site-outside-bounds" => {
            vectors.is_none_or(|range| finding.address().is_none_or(|at| !range.contains(&at)))
        }
        _ => true,
    });
    assert!(findings.is_empty(), "{at}: {findings:#?}");
}

/// Compiles the kernel and links it.
fn link(cross: &Cross, dir: &TempDir, shape: &Shape, linker: Linker, fragment: bool) -> Vec<u8> {
    let image = dir.path().join("image");
    let fixtures = workspace().join("linker/verify/tests/shapes/fixtures");
    let mut rustc = cross.rustc();
    rustc
        .arg(fixtures.join("shape.rs"))
        .arg("-o")
        .arg(&image)
        .args(["-Copt-level=3", "-Crelocation-model=static"])
        .arg("-L")
        .arg(dir.path())
        .args(shape.flags);
    linker.select(&mut rustc);
    if fragment {
        rustc.arg("-Clink-arg=-Talternatives.x");
    }
    if let Some(script) = shape.script {
        let script = fixtures.join(script);
        rustc.arg(format!("-Clink-arg=-T{}", script.display()));
    }
    let output = rustc.output().unwrap();
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {why}", shape.script);
    fs::read(image).unwrap()
}

/// A linked image.
struct Linked<'a> {
    elf: ElfFile64<'a, LE>,
    at: &'a str,
}

impl<'a> Linked<'a> {
    fn new(bytes: &'a [u8], at: &'a str) -> Self {
        let elf = ElfFile64::parse(bytes).unwrap();
        Self { elf, at }
    }

    #[track_caller]
    fn symbol(&self, name: &str) -> u64 {
        let mut symbols = self.elf.symbols();
        let symbol = symbols.find(|symbol| symbol.name() == Ok(name) && symbol.is_definition());
        let at = self.at;
        symbol
            .unwrap_or_else(|| panic!("{at}: no {name}"))
            .address()
    }

    #[track_caller]
    fn between(&self, [start, end]: [&str; 2]) -> Range<u64> {
        self.symbol(start)..self.symbol(end)
    }

    /// Rights of the segment that holds these addresses.
    #[track_caller]
    fn rights(&self, range: &Range<u64>) -> elf::ProgramFlags {
        let headers = self.elf.elf_program_headers().iter();
        let mut loaded = headers.filter(|header| header.p_type(LE) == elf::PT_LOAD);
        let header = loaded.find(|header| {
            let start = header.p_vaddr(LE);
            start <= range.start && range.end <= start + header.p_memsz(LE)
        });
        let at = self.at;
        header
            .unwrap_or_else(|| panic!("{at}: nothing loads {range:x?}"))
            .p_flags(LE)
    }
}

fn judge(image: &Linked<'_>, shape: &Shape) {
    let at = image.at;
    let inside = |range: &Range<u64>, bounds: &Range<u64>, what: &str| {
        let is_inside = bounds.start <= range.start && range.end <= bounds.end;
        assert!(is_inside, "{at}: {what} at {range:x?}, not in {bounds:x?}");
    };

    let text = image.between(shape.text);
    let symbols = image.elf.symbols();
    let functions = symbols
        .filter(|symbol| symbol.kind() == object::SymbolKind::Text && symbol.is_definition())
        .filter(|symbol| symbol.name().is_ok_and(|name| name.contains("alt_runtime")));
    let mut count = 0;
    for function in functions {
        let range = function.address()..function.address() + function.size();
        // Without a script, the linker chooses the address of the entry.
        if shape.script.is_some() {
            inside(&range, &text, function.name().unwrap());
        }
        assert!(image.rights(&range).contains(elf::PF_X), "{at}");
        count += 1;
    }
    assert!(count > 0, "{at}: there is code of ours");

    for name in TABLES {
        let range = image.between([&format!("__start_{name}"), &format!("__stop_{name}")]);
        assert!(!range.is_empty(), "{at}: {name}");
        image.rights(&range);
        if shape.script.is_some() {
            let mut bounds = image.between(shape.tables);
            bounds.end = bounds.end.next_multiple_of(4096);
            inside(&range, &bounds, name);
        }
    }

    let room = image.symbol("ROOM");
    let room = room..room + 64 * 12;
    inside(&room, &image.between(shape.memory), "the room");
    assert!(image.rights(&room).contains(elf::PF_W), "{at}");

    // How much room the sites need: two words in the text, one branch, one in the vectors.
    let needed = image.between(["__start_alt_plan_size", "__stop_alt_plan_size"]);
    assert_eq!(needed.end - needed.start, 12 * 4, "{at}");
    let header = image.elf.elf_header();
    let sections = header.sections(LE, image.elf.data()).unwrap();
    for section in sections.iter() {
        let name = sections.section_name(LE, section).unwrap();
        let is_writable = section.sh_flags(LE).contains(elf::SHF_WRITE);
        let is_ours = name.starts_with(b"alt_");
        let is_empty = section.sh_size(LE) == 0;
        assert!(
            !(is_ours && is_writable) || is_empty,
            "{at}: {:?}",
            name.escape_ascii()
        );
    }
}
