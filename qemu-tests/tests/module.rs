//! A module of kernel-demo, loaded and patched while the kernel runs: its text is compared with the
//! same object linked by the toolchain's linker.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use object::read::elf::ElfFile64;
use object::{Object, ObjectSymbol};
use qemu_tests::facts::{self, Fact};
use qemu_tests::sites::{self, SiteKind};
use qemu_tests::{Image, Launch, Machine, Profile, Qemu, Run, Status, disasm, guest};
use tempfile::TempDir;

/// A CPU and the expected results of the module's sites.
struct Cpu {
    name: &'static str,
    /// Number of sites with an arm that applies.
    rewritten: usize,
    /// The addition to the counter.
    count: &'static [&'static str],
    /// The site with several arms; see `variant` of demo-module.
    variant: &'static str,
}

const LOOP: &[&str] = &["ldxr", "add", "stxr", "cbnz"];
const LSE: &[&str] = &["ldadd", "nop", "nop", "nop"];

// The features of the models are those of their manuals: CRC32 in all, LSE from
// Armv8.1, SB from Armv8.5.
const CPUS: [Cpu; 3] = [
    Cpu {
        name: "cortex-a53",
        rewritten: 3,
        count: LOOP,
        variant: "#0x2",
    },
    Cpu {
        name: "cortex-a76",
        rewritten: 4,
        count: LSE,
        variant: "#0x2",
    },
    Cpu {
        name: "max",
        rewritten: 4,
        count: LSE,
        variant: "#0x1",
    },
];

/// The kernel's messages about bad modules, in this order.
const REFUSED: [&str; 8] = [
    "the site of 1 instructions is not inside the text",
    "adrp needs a displacement of",
    "its records are of layout",
    "it has no operations",
    "its tables are not whole records",
    "no memory for",
    "the kernel does not export demo_",
    "is not one of the callbacks",
];

fn kernel(profile: Profile) -> Image {
    Image::open(&guest::build("kernel-demo", profile).unwrap()).unwrap()
}

fn boot(image: &Image, cpu: &str) -> Run {
    let machine = Machine::new(cpu).smp(2);
    let run = Launch::new(image, machine).run(&Qemu::find().unwrap());
    let run = run.unwrap();
    assert_eq!(run.outcome.status, Status::Ok, "{cpu}: {:#?}", run.log);
    run
}

/// The other log lines of the kernel that begin with `start`, without it.
fn words<'r>(run: &'r Run, start: &str) -> Vec<&'r str> {
    let words = facts::read(&run.log).filter_map(|fact| match fact {
        Fact::Words(words) => words.strip_prefix(start),
        _ => None,
    });
    words.collect()
}

/// The address of the module's text.
fn text(run: &Run) -> Range<u64> {
    let [text] = words(run, "module text=")[..] else {
        panic!("no module: {:#?}", run.log);
    };
    let (start, end) = text.split_once("..").unwrap();
    let number = |hex: &str| u64::from_str_radix(hex.trim_start_matches("0x"), 16).unwrap();
    number(start)..number(end)
}

#[test]
fn module_is_loaded_and_bad_ones_are_refused() {
    if qemu_tests::skip::without_guests("module_is_loaded_and_bad_ones_are_refused") {
        return;
    }
    let image = kernel(Profile::Release);
    for cpu in CPUS {
        let run = boot(&image, cpu.name);
        let said = words(&run, "module: ");
        assert_eq!(said, [format!("4 sites, {} rewritten", cpu.rewritten)]);
        let refused = words(&run, "a bad module is refused: ");
        assert_eq!(refused.len(), REFUSED.len(), "{refused:#?}");
        for (said, expected) in refused.iter().zip(REFUSED) {
            assert!(said.contains(expected), "`{expected}` is not in `{said}`");
        }
        let is_checked = facts::read(&run.log).any(|fact| {
            matches!(fact, Fact::Check(check) if check.name == "module" && check.failure.is_none())
        });
        assert!(is_checked, "{:#?}", run.log);
    }
}

#[test]
fn words_are_the_linkers_and_the_sites_those_of_the_cpu() {
    if qemu_tests::skip::without_guests("words_are_the_linkers_and_the_sites_those_of_the_cpu") {
        return;
    }
    for profile in Profile::ALL {
        let image = kernel(profile);
        for cpu in CPUS {
            let run = boot(&image, cpu.name);
            judge(&image, &run, &cpu);
        }
    }
}

fn judge(image: &Image, run: &Run, cpu: &Cpu) {
    let text = text(run);
    let count = ((text.end - text.start) / 4) as usize;
    let loaded = run.after.words(text.start, count).unwrap();

    let folder = TempDir::new().unwrap();
    let linked = link(image, text.start, folder.path());
    let section = linked.section(".text").unwrap();
    assert_eq!(section.range, text);
    let (expected, _) = section.bytes.as_chunks::<4>();
    let expected: Vec<_> = expected.iter().map(|w| u32::from_le_bytes(*w)).collect();

    let records = sites::read(&linked).unwrap();
    let sites = sites::sites(&records);
    assert_eq!(sites.len(), 4);
    for (index, (now, linked)) in loaded.iter().zip(&expected).enumerate() {
        let address = text.start + 4 * index as u64;
        let is_site = sites.iter().any(|site| site.range().contains(&address));
        assert!(is_site || now == linked, "{address:#x}");
    }

    let mut seen = [0; 4];
    for site in &sites {
        let Range { start, end } = site.range();
        let words = |from: &[u32]| -> Vec<String> {
            (start..end)
                .step_by(4)
                .map(|at| disasm::instruction(from[((at - text.start) / 4) as usize], at))
                .collect()
        };
        let (before, now) = (words(&expected), words(&loaded));
        // `mov x0, #0x0` with another constant.
        let constant = |value: &str| vec![before[0].replace("#0x0", value)];
        let mnemonics = |lines: &[String]| -> Vec<String> {
            let first = |line: &String| line.split(' ').next().unwrap().to_owned();
            lines.iter().map(first).collect()
        };
        let kind = match (site.records[0].kind, site.records.len()) {
            (SiteKind::Branch { .. }, 1) => {
                assert_eq!(now, ["nop"]);
                0
            }
            (SiteKind::Alternative { site_len: 4, .. }, 1) => {
                assert_eq!(mnemonics(&before), LOOP);
                assert_eq!(mnemonics(&now), cpu.count, "{}", cpu.name);
                1
            }
            (SiteKind::Callback { callback, .. }, 1) => {
                assert_eq!(callback, image.symbol("demo_module_tag").unwrap());
                assert_eq!(now, constant("#0x7a6"));
                2
            }
            // LSE & SB, LSE | CRC32, !SB
            (SiteKind::Alternative { site_len: 1, .. }, 5) => {
                assert_eq!(now, constant(cpu.variant), "{}", cpu.name);
                3
            }
            other => panic!("{other:?}"),
        };
        seen[kind] += 1;
    }
    assert_eq!(seen, [1; 4], "one site of each kind");
}

/// The module that is in the kernel's image, linked by the toolchain's linker to run
/// where the kernel has put it: each part of other rights on the next page.
fn link(kernel: &Image, text: u64, folder: &Path) -> Image {
    let file = ElfFile64::<object::LittleEndian>::parse(kernel.file()).unwrap();
    let embedded = file.symbol_by_name("demo_module_object").unwrap();
    let module = kernel.bytes(embedded.address(), embedded.size() as usize);
    let script = format!(
        "SECTIONS {{
            . = {text:#x};     .text : {{ *(.text) }}
            . = ALIGN(4096); .rodata : {{ *(.rodata) }}
            . = ALIGN(4096); .bss : {{ *(.bss) }}
            . = ALIGN(4096); alt_branches : {{ *(alt_branches) }}
            . = ALIGN(16); alt_records : {{ *(alt_records) }}
            . = ALIGN(16); alt_replacements : {{ *(alt_replacements) }}
        }}"
    );
    let path = |name| folder.join(name);
    fs::write(path("module.o"), module.unwrap()).unwrap();
    fs::write(path("script"), script).unwrap();
    let mut linker = Command::new(linker());
    // Relaxation would turn ADRP and ADD into ADR.
    linker.args(["-flavor", "gnu", "--no-relax", "-o"]);
    linker.arg(path("linked"));
    for symbol in ["demo_report", "demo_module_tag"] {
        let address = kernel.symbol(symbol).unwrap();
        linker.arg(format!("--defsym={symbol}={address:#x}"));
    }
    linker.arg("-T").arg(path("script")).arg(path("module.o"));
    let output = linker.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Image::open(&path("linked")).unwrap()
}

/// The rust-lld of the toolchain, with which the kernel is linked as well.
fn linker() -> PathBuf {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let ask = |arguments: &[&str]| {
        let output = Command::new(&rustc).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let sysroot = PathBuf::from(ask(&["--print", "sysroot"]).trim());
    let version = ask(&["-vV"]);
    let mut lines = version.lines();
    let host = lines.find_map(|line| line.strip_prefix("host: ")).unwrap();
    let linker = sysroot.join("lib/rustlib").join(host).join("bin/rust-lld");
    linker.with_extension(env::consts::EXE_EXTENSION)
}
