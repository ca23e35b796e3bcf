//! The assembler text states the layout that `alt_runtime::record` does.

use alt_runtime::record::{Condition, MAX_SITE_LEN, Section, VERSION, VERSION_SYMBOL};

#[test]
fn layout_version() {
    let text = alt_runtime::__alt_layout!();
    assert_eq!(
        text,
        format!(".globl {VERSION_SYMBOL}\n.set {VERSION_SYMBOL}, {VERSION}\n")
    );
}

#[test]
fn sections_in_the_order_of_the_bounds() {
    let names: Vec<_> = Section::ALL.iter().map(|section| section.name()).collect();
    let text = alt_runtime::__alt_each_section!();
    assert_eq!(text, format!(".irp section, {}", names.join(", ")));
    for (index, section) in Section::ALL.into_iter().enumerate() {
        assert_eq!(section as usize, index);
    }
}

/// The name of the section that a text opens.
fn opened(text: &str) -> &str {
    let (_, name) = text.split_once("__alt_section ").unwrap();
    name.split_once(',').unwrap().0
}

/// Bytes of the directives of a record.
fn size(text: &str) -> u64 {
    let directive = |line: &str| match line.split_whitespace().next() {
        Some(".long") => 4,
        Some(".hword") => 2,
        Some(".byte") => 1,
        _ => 0,
    };
    text.lines().map(directive).sum()
}

#[test]
fn records_and_replacements() {
    let branch = alt_runtime::__alt_branch_record!("0", "0");
    let alternative = alt_runtime::__alt_alternative_record!("0");
    for (text, section) in [
        (branch, Section::Branches),
        (alternative, Section::Alternatives),
    ] {
        assert_eq!(opened(text), section.name());
        assert_eq!(size(text), section.element_size());
    }
    let replacement = alt_runtime::__alt_replacement!();
    assert_eq!(opened(replacement), Section::Replacements.name());
}

#[test]
fn room_for_the_plan() {
    let text = alt_runtime::__alt_plan_room!();
    assert_eq!(opened(text), Section::PlanSize.name());
    let size = Section::PlanSize.element_size();
    assert!(text.contains(&format!(".skip {size} * (")), "{text}");
}

/// The bits and the longest site in the macros for assembler files.
#[test]
fn assembler_macros() {
    let text = alt_runtime::ASM_MACROS;
    let bit = |bit: u16| format!("1 << {}", bit.trailing_zeros());
    for part in [
        format!(".set ALT_NOT, {}\n", bit(Condition::NOT)),
        format!("(\\first) | ({})", bit(Condition::AND)),
        format!("(\\condition) | ({})", bit(Condition::CALLBACK)),
        format!("> 4 * {MAX_SITE_LEN}\n"),
        format!("more than the {MAX_SITE_LEN} instructions"),
    ] {
        assert!(text.contains(&part), "{part}");
    }
    assert_eq!(Condition::LIKELY, Condition::CALLBACK);
}
