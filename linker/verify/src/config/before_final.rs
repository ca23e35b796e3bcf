//! The tables `[[before-final]]` of a rules file.

use alt_cpucaps::document::{Entry, Problem, array, string};
use alt_image::image::Image;
use alt_runtime::cap::Scope;

use super::pattern::Pattern;
use super::{Places, flag, text};

/// Functions that run before the cpucaps of a scope are final.
#[derive(Clone, Debug)]
pub struct BeforeFinal {
    /// The scope that is not final yet; with [`Scope::Boot`], no scope is final.
    pub scope: Scope,
    /// The functions.
    pub functions: Places,
    /// Whether the rule covers the functions that they call.
    pub reach: bool,
}

pub(super) fn read(mut entry: Entry<'_, '_>, image: &Image) -> Option<BeforeFinal> {
    entry.required("scope", "add `scope = \"boot\"` or `scope = \"system\"`");
    let scope = match text(&mut entry, "scope") {
        Some(("boot", _)) => Some(Scope::Boot),
        Some(("system", _)) => Some(Scope::System),
        Some((other, value)) => {
            let text = format!("`{other}` is not a scope that becomes final");
            let problem = Problem::new(value.span(), text);
            entry
                .problems
                .add(problem.suggest(other, ["boot", "system"]));
            None
        }
        None => None,
    };
    let mut ranges = Vec::new();
    let help = "add `functions = [\"…\"]`";
    if let Some(value) = entry.required("functions", help) {
        for value in array(value, entry.problems).unwrap_or_default() {
            let Some(name) = string(value, entry.problems) else {
                continue;
            };
            let before = ranges.len();
            ranges.extend(Pattern::new(name).symbols(image));
            if ranges.len() == before {
                entry.problems.add(super::no_symbol(name, value));
            }
        }
    }
    let reach = flag(&mut entry, "reach", true);
    entry.finish();
    Some(BeforeFinal {
        scope: scope?,
        functions: Places::new(ranges),
        reach,
    })
}
