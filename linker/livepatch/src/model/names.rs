//! Names that are stable from build to build.

use alt_object::display;

/// A name that is stable: without hash, crate disambiguator and counter; demangled.
///
/// Legacy mangling ends in a hash of the type; version 0 has a disambiguator for each crate. Both
/// change with a dependency's version. LLVM appends `.llvm.N` to a local name that it makes global,
/// and `.N` to a second one of the same name.
pub fn stable(name: &str) -> String {
    match log_string(name) {
        Some(name) => name,
        None => display::demangled(without_suffix(name)),
    }
}

/// The name of a log string of `defmt`, JSON, without its disambiguator, which changes with each edit
/// of the crate.
fn log_string(name: &str) -> Option<String> {
    const KEY: &str = ",\"disambiguator\":\"";
    let (before, after) = name.strip_prefix('{')?.split_once(KEY)?;
    let (_, after) = after.split_once('"')?;
    Some(format!("{{{before}{after}"))
}

/// A name without the suffixes of LLVM.
pub fn without_suffix(name: &str) -> &str {
    let name = match name.find(".llvm.") {
        Some(at) => &name[..at],
        None => name,
    };
    match name.rsplit_once('.') {
        Some((before, counter))
            if !before.is_empty()
                && !counter.is_empty()
                && counter.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            before
        }
        _ => name,
    }
}

/// Whether the compiler made up the name of a datum: another build numbers it otherwise.
pub fn is_anonymous(name: &str) -> bool {
    const PREFIXES: [&str; 9] = [
        ".L",
        "anon.",
        "alloc_",
        "vtable.",
        "switch.table.",
        "str.",
        "__unnamed_",
        "L__unnamed_",
        "Lanon.",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether the compiler named a section after its content, or did not name it: `.text.f`,
/// `.rodata.cst16`, `.bss`.
pub fn is_default_section(section: &str, symbol: Option<&str>) -> bool {
    const STEMS: [&str; 5] = [".text", ".rodata", ".data.rel.ro", ".data", ".bss"];
    STEMS.iter().any(|stem| {
        section.strip_prefix(stem).is_some_and(|rest| {
            // `.text.entry` is a name of the author; `.text._ZN…` is the compiler's. Prefixes such
            // as `.text.unlikely.` are LLVM's.
            let own = |name: &str| {
                rest.strip_suffix(name).is_some_and(|between| {
                    between == "." || between.starts_with('.') && between.ends_with('.')
                })
            };
            rest.is_empty()
                || rest.starts_with("..L")
                || rest.starts_with(".cst")
                || rest.starts_with(".str")
                || symbol.is_some_and(own)
        })
    })
}

/// Whether a linker defines `__start_…` and `__stop_…` of a section of this name.
pub fn is_identifier(section: &str) -> bool {
    let mut bytes = section.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_build_renumbers_is_stripped() {
        for (name, expected) in [
            ("_ZN6kernel4tick17h1ab761b3704c06b2E", "kernel::tick"),
            (
                "_ZN6kernel4tick17h1ab761b3704c06b2E.llvm.1234",
                "kernel::tick",
            ),
            ("_ZN6kernel4tick17h1ab761b3704c06b2E.3", "kernel::tick"),
            ("_RNvNtCsbcsGJ9IzBgZ_4core3fmt5write", "core::fmt::write"),
            ("_start", "_start"),
            (
                r#"{"package":"k","tag":"defmt_info","data":"a {}","disambiguator":"12","crate_name":"k"}"#,
                r#"{"package":"k","tag":"defmt_info","data":"a {}","crate_name":"k"}"#,
            ),
        ] {
            assert_eq!(stable(name), expected);
        }
    }

    #[test]
    fn sections_of_an_author_are_told_from_the_compilers() {
        assert!(is_default_section(".text._ZN1a", Some("_ZN1a")));
        assert!(is_default_section(".text.unlikely._ZN1a", Some("_ZN1a")));
        assert!(is_default_section(".rodata..Lanon.1.2", None));
        assert!(is_default_section(".rodata.cst16", None));
        assert!(is_default_section(".bss", Some("x")));
        assert!(!is_default_section(".text.entry", Some("_start")));
        assert!(!is_default_section("linkme_CHECKS", Some("_ZN1a")));
        assert!(is_identifier("linkme_CHECKS") && !is_identifier(".text") && !is_identifier(""));
    }
}
