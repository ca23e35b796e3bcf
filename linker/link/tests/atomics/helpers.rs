//! The helpers: those of the toolchain hold the instruction that takes the place of a call, and those
//! of alt-runtime become it. The instructions are also assembled from their names.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use alt_object::inputs;
use alt_object::object::{Object, Place};
use alt_runtime::atomics::{Helper, Operation, Order, WORD_PREFIX};
use object::elf::SHF_LINK_ORDER;
use tempfile::TempDir;
use test_support::{TARGET, rustc, skip, workspace};

/// RET and BTI C (Arm ARM C6.2.300, C6.2.48).
const RET: u32 = 0xd65f_03c0;
const BTI_C: u32 = 0xd503_245f;

fn words(code: &[u8]) -> Vec<u32> {
    let words = code.chunks_exact(4);
    words
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
        .collect()
}

/// Whether this is an atomic memory operation, or a compare and swap (Arm ARM C4.1.94).
fn is_lse(word: u32) -> bool {
    word & 0x3f20_0c00 == 0x3820_0000
        || word & 0x3fa0_7c00 == 0x08a0_7c00
        || word & 0xbfa0_7c00 == 0x0820_7c00
}

/// Whether a helper of the toolchain has exactly one LSE instruction, that of the calls, and RET
/// after it.
fn holds(helper: Helper, code: &[u32]) -> bool {
    let lse: Vec<_> = code.iter().filter(|word| is_lse(**word)).collect();
    let insn = helper.insn().0;
    let at = code.iter().position(|word| *word == insn);
    lse == [&insn] && at.is_some_and(|at| code.get(at + 1) == Some(&RET))
}

/// The helpers that an object defines, and their instructions.
fn defined(object: &Object<'_>) -> Vec<(Helper, Vec<u32>)> {
    let mut found = Vec::new();
    for symbol in &object.symbols {
        let name = String::from_utf8_lossy(symbol.name);
        if let (Some(helper), Place::In(section, offset)) = (Helper::named(&name), symbol.place) {
            let end = (offset + symbol.size) as usize;
            let code = &object.contents(section).unwrap()[offset as usize..end];
            found.push((helper, words(code)));
        }
    }
    found
}

#[test]
fn the_toolchains_helpers_hold_the_same_instructions() {
    if skip::without_target("the_toolchains_helpers_hold_the_same_instructions") {
        return;
    }
    let arguments = ["--print", "target-libdir", "--target", TARGET];
    let output = rustc().args(arguments).output().unwrap();
    let libraries = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    let files = fs::read_dir(libraries).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    let library = files.find(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("libcompiler_builtins") && name.ends_with(".rlib")
    });
    let mut found = Vec::new();
    for input in inputs::read([library.unwrap()]).unwrap() {
        found.extend(defined(&Object::parse(&input.bytes).unwrap()));
    }
    for (helper, code) in &found {
        assert!(holds(*helper, code), "{helper}: {code:x?}");
    }
    let expected = Helper::all().filter(|helper| helper.order != Order::Sync);
    let missing: Vec<_> = expected
        .filter(|helper| found.iter().all(|(f, _)| f != helper))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(found.len(), 100);
    // The comparison notices each change of the instruction, another one beside it, and code that
    // goes on after it.
    for (helper, code) in found {
        let at = code.iter().position(|word| is_lse(*word)).unwrap();
        for bit in 0..32 {
            let mut changed = code.clone();
            changed[at] ^= 1 << bit;
            assert!(!holds(helper, &changed), "{helper}: bit {bit}");
        }
        for (place, word) in [(at + 1, 0xd503_201f), (0, 0xf8e0_0020)] {
            let mut changed = code.clone();
            changed[place] = word;
            assert!(!holds(helper, &changed), "{helper}: {changed:x?}");
        }
    }
}

/// The instruction in the assembler's language, by the name of the helper.
fn assembly(helper: Helper) -> String {
    let order = match helper.order {
        Order::Relax => "",
        Order::Acq => "a",
        Order::Rel => "l",
        Order::AcqRel | Order::Sync => "al",
    };
    let (width, r) = match helper.size {
        1 => ("b", "w"),
        2 => ("h", "w"),
        4 => ("", "w"),
        _ => ("", "x"),
    };
    let name = helper.operation.name();
    match (helper.operation, helper.size) {
        (Operation::Cas, 16) => format!("casp{order} x0, x1, x2, x3, [x4]"),
        (Operation::Cas, _) => format!("cas{order}{width} {r}0, {r}1, [x2]"),
        _ => format!("{name}{order}{width} {r}0, {r}0, [x1]"),
    }
}

/// Compiles an object for the target in `dir`.
fn compile(dir: &TempDir, name: &str, source: &str, flags: &[&str]) -> Vec<u8> {
    let [file, object] = ["rs", "o"].map(|end| dir.path().join(format!("{name}.{end}")));
    fs::write(&file, source).unwrap();
    let mut rustc = rustc();
    rustc.args([
        "--edition=2024",
        "--crate-type=lib",
        "--emit=obj",
        "--target",
        TARGET,
    ]);
    let output = rustc
        .args(flags)
        .arg("-o")
        .args([&object, &file])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    fs::read(object).unwrap()
}

/// All 125, those for GCC's `__sync_…` too, which no kernel in Rust calls, with and without landing
/// pads.
#[test]
fn alt_runtimes_helpers_become_the_same_instructions() {
    if skip::without_target("alt_runtimes_helpers_become_the_same_instructions") {
        return;
    }
    let dir = TempDir::new().unwrap();
    let helpers: Vec<_> = Helper::all().collect();
    let lines: String = helpers
        .iter()
        .map(|helper| format!("{}\n", assembly(*helper)))
        .collect();
    fs::write(
        dir.path().join("lse.s"),
        format!(".arch_extension lse\n{lines}"),
    )
    .unwrap();
    let global = "#![no_std]\ncore::arch::global_asm!(include_str!(\"lse.s\"));\n";
    let assembled = compile(&dir, "lse", global, &[]);
    let assembled = Object::parse(&assembled).unwrap();
    let text = assembled
        .sections
        .iter()
        .position(|section| section.name == b".text")
        .unwrap();
    let expected: BTreeMap<_, _> = helpers
        .iter()
        .map(|helper| format!("{helper}"))
        .zip(words(assembled.contents(text).unwrap()))
        .collect();
    assert_eq!(expected.len(), 125);

    fs::write(dir.path().join("macros.s"), alt_runtime::ASM_MACROS).unwrap();
    let file = workspace().join("alt-runtime/src/atomics/helpers.rs");
    let text = fs::read_to_string(file).unwrap();
    let body = text
        .lines()
        .filter(|line| !line.starts_with("//!"))
        .collect::<Vec<_>>()
        .join("\n");
    let source = format!(
        "#![no_std]\nmacro_rules! asm_macros {{ () => {{ include_str!(\"macros.s\") }} }}\n\
         pub(crate) use asm_macros;\n{body}"
    );
    for (flags, has_pads) in [(&[][..], false), (&["-Ctarget-feature=+bti"], true)] {
        let object = compile(&dir, "helpers", &source, flags);
        let object = Object::parse(&object).unwrap();
        for helper in &helpers {
            let symbol = |prefix: &str| {
                let name = format!("{prefix}{helper}");
                let mut symbols = object.symbols.iter();
                symbols
                    .find(|symbol| symbol.name == name.as_bytes())
                    .unwrap()
            };
            let (loops, word) = (symbol("__aarch64_"), symbol(WORD_PREFIX));
            let insn = expected[&helper.to_string()];
            assert_eq!(helper.insn().0, insn, "{helper}");
            let Place::In(section, offset) = word.place else {
                panic!("{helper}: {word:?}");
            };
            let arm = words(&object.contents(section).unwrap()[offset as usize..]);
            assert_eq!(arm[..2], [insn, RET], "{helper}");
            assert!(
                object.sections[section].flags.contains(SHF_LINK_ORDER),
                "{helper}"
            );
            // In a section of its own, so that the linker drops it if nothing calls it.
            let Place::In(section, 0) = loops.place else {
                panic!("{helper}: {loops:?}");
            };
            assert_eq!(object.sections[section].size, loops.size, "{helper}");
            let code = words(object.contents(section).unwrap());
            assert!(!code.iter().any(|word| is_lse(*word)), "{helper}");
            assert_eq!(code[0] == BTI_C, has_pads, "{helper}");
            assert_eq!(code.last(), Some(&RET), "{helper}");
        }
    }
}
