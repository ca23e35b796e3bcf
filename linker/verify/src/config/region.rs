//! The tables `[[region]]` of a rules file.

use alt_cpucaps::document::{Entry, Problem, string};
use alt_image::image::Image;

use super::pattern::Pattern;
use super::places::Named;
use super::{InstructionPattern, Places, Register, allowed, between, flag, sections, strings};

/// A part of an image with further rules.
#[derive(Clone, Debug)]
pub struct Region {
    /// Its name in messages.
    pub name: String,
    /// Its addresses.
    pub places: Places,
    /// The addresses outside of it to which it may refer; `None` for no restriction.
    pub may_reference: Option<Places>,
    /// The symbols outside of it whose address its code may take, without branching there.
    pub may_name: Named,
    /// The bounds of its parts, which may be outside of it.
    pub bounds: Named,
    /// The addresses that may refer to its code; `None` for no restriction.
    pub may_be_called_from: Option<Places>,
    /// The code in it that may contain BR and BLR; `None` for no restriction.
    pub may_call_indirectly: Option<Places>,
    /// Whether it must have no site.
    pub forbid_sites: bool,
    /// Registers that its code must not use.
    pub forbid_registers: Vec<Register>,
    /// Instructions that its code must not have.
    pub forbid_instructions: Vec<InstructionPattern>,
}

pub(super) fn read(mut entry: Entry<'_, '_>, image: &Image) -> Option<Region> {
    let problems_before = entry.problems.0.len();
    let name = entry
        .required("name", "add `name = \"…\"`, for messages")
        .and_then(|value| string(value, entry.problems));
    let mut ranges = sections(&mut entry, "sections", image);
    ranges.extend(between(&mut entry, image));
    for (name, value) in strings(&mut entry, "symbols").unwrap_or_default() {
        let before = ranges.len();
        ranges.extend(Pattern::new(name).symbols(image));
        if ranges.len() == before {
            entry.problems.add(super::no_symbol(name, value));
        }
    }
    let places = Places::new(ranges);
    if places.is_empty() && entry.problems.0.len() == problems_before {
        let problem = Problem::new(entry.span.clone(), "the region has no addresses");
        let help = "say where it is: `sections`, `symbols`, or `start` and `end`";
        entry.problems.add(problem.help(help));
    }
    let may_reference = allowed(&mut entry, "may-reference", image);
    let may_be_called_from = allowed(&mut entry, "may-be-called-from", image);
    let may_call_indirectly = allowed(&mut entry, "may-call-indirectly", image);
    let forbid_sites = flag(&mut entry, "forbid-sites", false);
    let forbid_registers = strings(&mut entry, "forbid-registers")
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(name, value)| match Register::parse(name) {
            Some(register) => Some(register),
            None => {
                let text = format!("`{name}` is not a register");
                let problem = Problem::new(value.span(), text);
                let help = "use x0 to x30, sp, or v0 to v31";
                entry.problems.add(problem.help(help));
                None
            }
        })
        .collect();
    let forbid_instructions = strings(&mut entry, "forbid-instructions")
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(text, value)| match InstructionPattern::parse(text) {
            Ok(pattern) => Some(pattern),
            Err(wrong) => {
                entry.problems.add(wrong.problem(value.span()));
                None
            }
        })
        .collect();
    entry.finish();
    Some(Region {
        name: name?.to_owned(),
        places,
        may_reference,
        may_name: Named::default(),
        bounds: Named::default(),
        may_be_called_from,
        may_call_indirectly,
        forbid_sites,
        forbid_registers,
        forbid_instructions,
    })
}
