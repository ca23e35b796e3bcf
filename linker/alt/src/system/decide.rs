//! Evaluation of cpucaps by ID registers, as in the kernel.

use std::collections::BTreeSet;
use std::error::Error;

use alt_image::caps::{Caps, Undecided};
use alt_image::load::Loaded;
use alt_image::records::Format;
use alt_image::style;
use alt_runtime::cap::{CapSet, CapTable, Leaf, idregs::Register};

use super::System;

/// The image has several tables of cpucaps.
pub const SEVERAL: &str =
    "the image has several tables of cpucaps; `alt verify` says which. Choose one by --cpucaps";

const UNKNOWN: &str = "nothing says how the cpucaps of this image show in ID registers, since it \
    has no section .alt_cpucaps: give its cpucaps.toml by --cpucaps, or list what is present by \
    --caps";

const UNKNOWN_LINUX: &str = "the numbers of Linux's cpucaps are not in the image. Either list by --caps \
    what is present; or give the kernel's own arch/arm64/tools/cpucaps or asm/cpucaps.h by --cpucaps, and \
    conditions of your own by one more --cpucaps FILE.toml";

impl System {
    /// The cpucaps of the image that the machine has.
    pub(super) fn detected(
        &self,
        opened: &Loaded,
    ) -> Result<(&'static CapTable, CapSet), Box<dyn Error>> {
        let mut caps = match (&opened.caps[..], opened.records.format) {
            ([caps], _) => caps.clone(),
            ([], Format::Alt) => return Err(UNKNOWN.into()),
            ([], Format::Linux) if opened.names.is_empty() => return Err(UNKNOWN_LINUX.into()),
            ([], Format::Linux) => Caps::linux(&opened.names)?,
            _ => return Err(SEVERAL.into()),
        };
        self.assume(&mut caps)?;
        let asked = asked_for(opened, caps.table());
        let open = caps.undecided().iter();
        let open: Vec<_> = open.filter(|cap| asked.contains(&cap.number)).collect();
        if let Some(first) = open.first() {
            let name = first.name;
            return Err(format!(
                "the ID registers do not decide all cpucaps of the sites:{}\n\
                give --assume {name} or --assume '!{name}' for each; with --assume '!*', all others are \
                absent",
                reasons(&open),
            )
            .into());
        }
        let mut machine = super::machine::of(&self.cpus)?;
        if let Some(mode) = self.el2 {
            machine.start_at_el2(mode.into());
        }
        warn_of_missing(&machine.missing, &asked, caps.table());
        let present = caps.detect(&machine.ids, self.cmdline.as_deref().unwrap_or(""))?;
        Ok((caps.table(), present))
    }

    fn assume(&self, caps: &mut Caps) -> Result<(), Box<dyn Error>> {
        let (rest, named): (Vec<_>, Vec<_>) = self.assume.iter().partition(|word| *word == "!*");
        for word in named {
            match word.strip_prefix('!') {
                Some(name) => caps.assume(name, false)?,
                None => caps.assume(word, true)?,
            }
        }
        if !rest.is_empty() {
            let left: Vec<_> = caps.undecided().iter().map(|cap| cap.name).collect();
            for name in left {
                caps.assume(name, false)?;
            }
        }
        Ok(())
    }
}

/// The reasons for undecided cpucaps: a line for each, and one for those without an entry.
fn reasons(open: &[&Undecided]) -> String {
    let (without, known): (Vec<&Undecided>, Vec<_>) = open
        .iter()
        .partition(|cap| cap.custom == [Caps::NO_ENTRY] && cap.cfg.is_none());
    let mut text: String = known.iter().map(|cap| format!("\n  {cap}")).collect();
    if !without.is_empty() {
        let names: Vec<_> = without.iter().map(|cap| cap.name).collect();
        text += "\n  there is no entry for ";
        text += &names.join(", ");
    }
    text
}

/// The cpucaps on which sites depend, and those that these require.
fn asked_for(opened: &Loaded, table: &CapTable) -> BTreeSet<u16> {
    let terms = opened.records.list().iter().map(|record| record.term);
    let mut open: Vec<u16> = terms.filter(|t| !t.always).map(|term| term.cap).collect();
    let mut asked = BTreeSet::new();
    while let Some(number) = open.pop() {
        if asked.insert(number)
            && let Some(info) = table.get(number)
        {
            open.extend(info.requires.iter().map(|cap| cap.number()));
        }
    }
    asked
}

/// Warns about registers that the file lacks: their features appear to be absent.
fn warn_of_missing(missing: &[Register], asked: &BTreeSet<u16>, table: &CapTable) {
    let infos = table
        .iter()
        .filter(|info| asked.contains(&info.cap.number()));
    let mut needed = BTreeSet::new();
    infos.for_each(|info| {
        info.rule.for_each_leaf(&mut |leaf| match leaf {
            Leaf::Field { field, .. } => {
                needed.insert(field.register.name());
            }
            Leaf::Range(_) => {
                needed.insert(Register::MIDR_EL1.name());
            }
            _ => (),
        });
    });
    let missing: Vec<_> = missing.iter().map(|register| register.name()).collect();
    let missing: Vec<_> = missing
        .into_iter()
        .filter(|name| needed.contains(name))
        .collect();
    if !missing.is_empty() {
        anstream::eprintln!(
            "{}: the given ID registers lack {}; features in them count as absent",
            style::doubtful("warning"),
            missing.join(", "),
        );
    }
}
