//! `cpucaps.inc` and `alternative.s`, as a build script writes them.

use std::fs;

use alt_linker::{cpucaps_inc, write_assembly};
use tempfile::TempDir;

mod cpucaps {
    alt_runtime::cpucaps!("../../cpucaps.toml");
}

#[test]
fn numbers_are_those_of_the_macro() {
    let text = include_str!("../../../cpucaps.toml");
    let expected: String = (0..cpucaps::TABLE.len())
        .map(|number| {
            let info = cpucaps::TABLE.get(number as u16).unwrap();
            format!(".equ CAP_{}, {}\n", info.name, info.cap.number())
        })
        .collect();
    assert!(expected.len() > 100);
    assert_eq!(cpucaps_inc("cpucaps.toml", text), Ok(expected));
    // An inline table, and one whose keys come in parts.
    let text = "B.doc = \"b\"\nA = { doc = \"a\" }\nB.scope = \"boot\"\n[C]\ndoc = \"c\"";
    let expected = ".equ CAP_B, 0\n.equ CAP_A, 1\n.equ CAP_C, 2\n";
    assert_eq!(cpucaps_inc("cpucaps.toml", text).as_deref(), Ok(expected));
}

#[test]
fn files_are_written_or_the_error_names_them() {
    let dir = TempDir::new().unwrap();
    let toml = dir.path().join("caps.toml");
    let error = write_assembly(&toml, dir.path()).unwrap_err();
    assert!(error.to_string().contains("caps.toml"), "{error}");

    fs::write(&toml, "[A\n").unwrap();
    let error = write_assembly(&toml, dir.path()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    assert!(error.to_string().contains("caps.toml:1:3: "), "{error}");

    fs::write(&toml, "[A]\n[B]\n").unwrap();
    write_assembly(&toml, dir.path()).unwrap();
    let read = |name| fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(read("cpucaps.inc"), ".equ CAP_A, 0\n.equ CAP_B, 1\n");
    assert_eq!(read("alternative.s"), alt_runtime::ASM_MACROS);
    assert!(write_assembly(&toml, &dir.path().join("none")).is_err());
}
