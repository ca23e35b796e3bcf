//! The link of a kernel with what was linked before.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use alt_image::image::Image;
use alt_linker::namespace::{Embedded, SECTION};
use object::{Object, ObjectSymbol};
use test_support::Cross;

use crate::support::{Bench, MANIFEST, expect};

/// A kernel that names what these words say, as addresses.
fn kernel(names: &[&str], more: &str) -> String {
    let declared: String = names
        .iter()
        .map(|name| format!("static {name}: u8;\n"))
        .collect();
    let used: Vec<_> = names
        .iter()
        .map(|name| format!("&raw const {name}"))
        .collect();
    format!(
        "#![no_std]\n#![no_main]\n#[panic_handler]\n\
         fn panic(_: &core::panic::PanicInfo<'_>) -> ! {{ loop {{}} }}\n{more}\n\
         unsafe extern \"C\" {{ {declared} }}\n#[unsafe(no_mangle)]\n\
         pub extern \"C\" fn _start() {{\n\
         // SAFETY: never run.\n\
         #[allow(unused_unsafe)] unsafe {{ core::hint::black_box([{}]); }} }}\n",
        used.join(", ")
    )
}

fn link(rustc: &mut Command, bench: &Bench, source: &str, objects: &[&Path]) -> PathBuf {
    let output = rustc
        .args(["-O", "-Cpanic=abort", "-Crelocation-model=static"])
        .args(["-Clink-arg=--emit-relocs"])
        .args(
            objects
                .iter()
                .map(|object| format!("-Clink-arg={}", object.display())),
        )
        .arg(bench.write("kernel.rs", source))
        .arg("-o")
        .arg(bench.path("kernel"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    bench.path("kernel")
}

fn rustc() -> Command {
    let mut rustc = test_support::rustc();
    rustc.args(["--edition", "2024", "--target", test_support::TARGET]);
    rustc
}

/// Two variants of the same crate, which have all their symbols in common.
#[test]
fn two_namespaces_go_into_one_kernel() {
    let Some(bench) = Bench::new("two_namespaces_go_into_one_kernel") else {
        return;
    };
    let library = bench.library(&[]);
    let objects = ["hyp.nvhe", "hyp.vhe"].map(|name| {
        let object = bench.link_as(name, MANIFEST, &[&library]).unwrap();
        let to = bench.path(&format!("{name}.o"));
        fs::rename(object, &to).unwrap();
        to
    });
    let names = [
        "__hyp_nvhe_vectors",
        "__hyp_nvhe_pointers_start",
        "__hyp_nvhe_pointers_end",
        "__hyp_vhe_init",
        "__hyp_vhe_pointers_start",
    ];
    let shared = "#[unsafe(no_mangle)]\n#[unsafe(link_section = \".shared.rodata\")]\n\
                  static SHARED: u64 = 5;";
    let source = kernel(&names, shared);
    let path = link(&mut rustc(), &bench, &source, &[&objects[0], &objects[1]]);
    let image = Image::parse(fs::read(path).unwrap()).unwrap();

    for name in ["nvhe", "vhe"] {
        let bound = |which: &str| image.symbol(&format!("__hyp_{name}_{which}")).unwrap();
        for section in ["text", "rodata", "data", "data_percpu", "bss"] {
            let range = bound(&format!("{section}_start"))..bound(&format!("{section}_end"));
            assert!(
                range.start % 4096 == 0 && range.end % 4096 == 0,
                "{range:x?}"
            );
            assert!(!range.is_empty(), "{section}");
            // Nothing else is there.
            let dotted = format!(".hyp.{name}.{}", section.replace('_', "."));
            let found = image.section(&dotted).unwrap();
            assert_eq!(found.range, range, "{section}");
        }
        let vectors = bound("vectors");
        assert!((bound("text_start")..bound("text_end")).contains(&vectors));
        assert_eq!(vectors % 2048, 0);

        // Each entry leads to a pointer, which leads into the namespace.
        let table = bound("pointers_start")..bound("pointers_end");
        let inside = |address: u64| {
            let sections = ["text", "rodata", "data"];
            sections.iter().any(|section| {
                let start = bound(&format!("{section}_start"));
                (start..bound(&format!("{section}_end"))).contains(&address)
            })
        };
        assert!(!table.is_empty());
        for entry in table.step_by(4) {
            let distance = image.u32_at(entry).unwrap().cast_signed();
            let at = entry.wrapping_add_signed(distance.into());
            let [low, high] = [0, 4].map(|half| u64::from(image.u32_at(at + half).unwrap()));
            assert!(
                at % 8 == 0 && inside(at) && inside(low | high << 32),
                "{at:#x}"
            );
        }
    }

    let section = image.section(SECTION).unwrap();
    let embedded = Embedded::read(image.contents(section)).unwrap();
    let names: Vec<_> = embedded
        .iter()
        .map(|embedded| embedded.name.as_str())
        .collect();
    assert_eq!(names, ["hyp.nvhe", "hyp.vhe"]);
    assert_eq!(embedded[0].manifest.exports, ["vectors", "init"]);
}

/// What is allowed has to be there, under the name that the manifest has for it.
#[test]
fn an_allowed_symbol_that_the_kernel_lacks_is_the_linkers_to_tell() {
    let test = "an_allowed_symbol_that_the_kernel_lacks_is_the_linkers_to_tell";
    let Some(bench) = Bench::new(test) else {
        return;
    };
    let other = "{ kind = \"data-ro\", kernel = \"kernel_counter\" }\n";
    for (kind, name) in [("\"data-ro\"\n", "SHARED"), (other, "kernel_counter")] {
        let manifest = MANIFEST.replace("\"data-ro\"\n", kind);
        let object = bench.link(&manifest, &[&bench.library(&[])]).unwrap();
        let output = rustc()
            .args(["-O", "-Cpanic=abort", "-Crelocation-model=static"])
            .arg(format!("-Clink-arg={}", object.display()))
            .arg(bench.write("kernel.rs", kernel(&["__hyp_init"], "")))
            .arg("-o")
            .arg(bench.path("kernel"))
            .output()
            .unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        expect(&said, &[&format!("undefined symbol: {name}"), "__hyp_init"]);
        assert!(!bench.path("kernel").exists());
    }
}

/// A name of the kernel's own for what the hypervisor calls otherwise.
#[test]
fn allowed_symbols_may_have_other_names_in_the_kernel() {
    let Some(bench) = Bench::new("allowed_symbols_may_have_other_names_in_the_kernel") else {
        return;
    };
    let manifest = MANIFEST.replace(
        "\"data-ro\"\n",
        "{ kind = \"data-ro\", kernel = \"kernel_counter\" }\n",
    );
    let object = bench.link(&manifest, &[&bench.library(&[])]).unwrap();
    let counter = "#[unsafe(no_mangle)]\n#[unsafe(link_section = \".shared.rodata\")]\n\
                   static kernel_counter: u64 = 5;";
    let source = kernel(&["__hyp_init"], counter);
    link(&mut rustc(), &bench, &source, &[&object]);
}

/// The tables of both become one, in the order of the sites.
#[test]
fn alternatives_become_part_of_the_kernels() {
    let Some(cross) = Cross::new("alternatives_become_part_of_the_kernels") else {
        return;
    };
    let bench = Bench::new("alternatives_become_part_of_the_kernels").unwrap();
    let mut compiler = cross.rustc();
    let output = compiler
        .args([
            "--crate-type=staticlib",
            "-O",
            "-Cpanic=abort",
            "-Ccodegen-units=4",
        ])
        .arg(bench.write("sites.rs", include_str!("fixtures/sites.rs")))
        .arg("-o")
        .arg(bench.path("libhyp.a"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let object = bench
        .link("exports = [\"init\"]\n", &[&bench.path("libhyp.a")])
        .unwrap();
    // Two layouts of records are to clash in the last link, so this keeps its name.
    let bytes = fs::read(&object).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let mut symbols = file.symbols();
    let version = symbols.find(|symbol| symbol.name() == Ok("__alt_layout_version"));
    assert!(version.unwrap().is_global());

    alt_linker::write_scripts(bench.dir.path()).unwrap();
    let mut compiler = cross.rustc();
    compiler
        .arg("-Clink-arg=-Talternatives.x")
        .arg("-L")
        .arg(bench.dir.path());
    let path = link(
        &mut compiler,
        &bench,
        include_str!("fixtures/sites_kernel.rs"),
        &[&object],
    );

    let alt = |command: &str| {
        let mut alt = Command::new(env!("CARGO_BIN_EXE_alt"));
        let names = bench.write("caps", "ZERO\nONE\nTWO\nTHREE\nFOUR\n");
        alt.arg(command)
            .arg("--cpucaps")
            .arg(names)
            .arg(&path)
            .env("NO_COLOR", "1");
        let output = alt.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{text}");
        text
    };
    expect(&alt("verify"), &["clean: 7 sites, 7 records"]);
    let dump = alt("dump");
    expect(
        &dump,
        &["__hyp_one", "__hyp_two", "__hyp_three", "of_the_kernel"],
    );
    assert!(!dump.contains("unused"), "{dump}");
}
