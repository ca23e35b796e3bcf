//! The linker script fragments state the layout that `alt_runtime::record` does.

use alt_runtime::record::{Section, VERSION, VERSION_SYMBOL};

const TABLES: &str = include_str!("../alternatives-tables.x");
const INIT: &str = include_str!("../alternatives-init.x");

#[test]
fn version_and_element_sizes() {
    assert!(TABLES.contains(&format!("{VERSION_SYMBOL} == {VERSION},")));
    for section in [
        Section::Branches,
        Section::Alternatives,
        Section::Replacements,
        Section::Callbacks,
    ] {
        let check = format!(
            "SIZEOF({}) % {} == 0",
            section.name(),
            section.element_size()
        );
        assert!(TABLES.contains(&check), "{check}");
    }
}

/// Each section has its bounds, and no other `alt_` section is placed.
#[test]
fn sections_and_bounds() {
    let scripts = [TABLES, INIT].concat();
    for section in Section::ALL {
        let name = section.name();
        for bound in [format!("__start_{name} = ."), format!("__stop_{name} = .")] {
            assert!(scripts.contains(&bound), "{bound}");
        }
    }
    for line in scripts.lines().filter(|line| line.starts_with("alt_")) {
        let name = line.split_whitespace().next().unwrap();
        let is_known = Section::ALL.iter().any(|section| section.name() == name);
        assert!(is_known || name == "alt_bounds", "{name}");
    }
}
