//! How two builds were made.

use crate::archive::Build;

use super::refusal::Refusal;

/// The differences in how two builds were made. If there is one, differences of functions mean
/// nothing.
pub fn other_build(old: &Build, new: &Build) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let mut compare = |what: &str, old: String, new: String| {
        if old != new {
            let what = what.to_owned();
            refusals.push(Refusal::OtherBuild { what, old, new });
        }
    };
    let (a, b) = (&old.info, &new.info);
    compare("compiler", a.toolchain.join(", "), b.toolchain.join(", "));
    let only = |some: &[String], others: &[String]| {
        let only: Vec<_> = some
            .iter()
            .filter(|one| !others.contains(one))
            .cloned()
            .collect();
        match only.is_empty() {
            true => "none".to_owned(),
            false => only.join(" "),
        }
    };
    compare(
        "linker options",
        only(&a.options, &b.options),
        only(&b.options, &a.options),
    );
    let digest = |digest: &Option<String>| {
        let short = digest.as_ref().and_then(|digest| digest.get(..16));
        short.map_or_else(|| "none".to_owned(), |short| format!("{short}…"))
    };
    compare("cpucaps", digest(&a.cpucaps), digest(&b.cpucaps));
    refusals
}
