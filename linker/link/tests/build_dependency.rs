//! The packages that the build script of a kernel compiles for `alt-linker`.

use std::path::Path;

/// Disassemblers, the parser of command lines, and the packages that depend on these.
const HEAVY: [&str; 8] = [
    "alt-image",
    "alt-tool",
    "alt-verify",
    "clap",
    "disarm64",
    "serde_json",
    "yaxpeax-arch",
    "yaxpeax-arm",
];

#[test]
fn build_scripts_compile_no_disassembler() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let output = test_support::cargo()
        .args(["tree", "--offline", "--edges", "normal,build"])
        .args(["--prefix", "none", "--format", "{p}", "--manifest-path"])
        .arg(manifest)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let packages: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(packages.contains(&"alt-object"), "{text}");
    for heavy in HEAVY {
        assert!(!packages.contains(&heavy), "{heavy}: {text}");
    }
}
