//! The cpucaps of a kernel, evaluated on the host for a machine.
//!
//! [`Caps`] is the kernel's table, from its TOML file or from the image itself; [`ids`] reads
//! the ID registers of a machine. [`Caps::detect`] brings the two together as the kernel does
//! at boot.
//!
//! ```
//! use alt_image::caps::{Caps, ids};
//!
//! let text = r#"
//! [LSE]
//! doc = "Atomics in one instruction."
//! scope = "system"
//! kind = "feature"
//! detect = { field = "ID_AA64ISAR0_EL1.Atomic", min = 2 }
//! "#;
//! let caps = Caps::from_toml("cpucaps.toml", text)?;
//! let a76 = ids::builtin("cortex-a76")?;
//! let present = caps.detect(&a76.ids, "")?;
//! assert_eq!(caps.number("LSE"), Some(0));
//! assert!(present.contains_number(0));
//! assert!(caps.detect(&a76.ids, "arm64.nolse")?.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
pub mod ids;
mod renumber;
mod section;
mod table;
mod undecided;

use alt_cpucaps::{Cpucap, Cpucaps};
use alt_runtime::cap::{CapSet, CapTable, IdRegs, Overrides, SystemView};

use crate::names::CapNames;

pub use error::CapsError;
pub use undecided::Undecided;

/// The cpucaps of a kernel.
#[derive(Clone, Debug)]
pub struct Caps {
    text: String,
    model: Cpucaps,
    /// The value of the `cfg` of each cap in the kernel's build, if it is known.
    possible: Vec<Option<bool>>,
    /// The result of the kernel's functions in the rule of each cap, if it is assumed.
    custom: Vec<Option<bool>>,
    table: &'static CapTable,
    undecided: Vec<Undecided>,
    /// The conditions are those of other releases of the kernel.
    of_other_releases: bool,
}

/// Conditions by Linux's names, compiled into the package.
const LINUX: &str = include_str!("../../cpus/linux.toml");

impl Caps {
    /// The cpucaps of a TOML file. `name` is the name of the file in messages.
    ///
    /// The values of `cfg`s in the kernel's build are unknown here: caps with a `cfg` are
    /// [undecided](Self::undecided).
    ///
    /// # Errors
    /// [`CapsError::File`] with all mistakes of the file, in the words of `cpucaps!`.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, CapsError> {
        let model = alt_cpucaps::check_foreign(name, text).map_err(CapsError::File)?;
        let possible = model.caps.iter().map(without_cfg).collect();
        Ok(Self::new(text.to_owned(), model, possible))
    }

    /// The cpucaps of a Linux that has these names, with the conditions that are known for them. The
    /// others are [undecided](Self::undecided): those that depend on the configuration, on
    /// firmware or on the command line. The lists of models with errata grow from release to release,
    /// so [`assume`](Self::assume) replaces the condition of any cap.
    ///
    /// # Errors
    /// The conditions that are compiled in have a mistake; a test excludes that.
    pub fn linux(names: &CapNames) -> Result<Self, CapsError> {
        let caps = Self::from_toml("linux.toml", LINUX)?.with_numbers(names);
        Ok(Self {
            of_other_releases: true,
            ..caps
        })
    }

    /// The cpucaps in an image, from the bytes of its section `.alt_cpucaps`
    /// ([`SECTION`](Self::SECTION)): one for each file that the crates of the image gave to
    /// `cpucaps!`, in the order of the section.
    ///
    /// More than one is a defect of the image, since its sites use different numbers. If crates
    /// have the same file and different values of a `cfg`, the cap is
    /// [undecided](Self::undecided).
    ///
    /// # Errors
    /// [`CapsError::Section`] if the bytes were not written by `cpucaps!`, and
    /// [`CapsError::File`] if a text is not a valid file of cpucaps.
    pub fn from_section(bytes: &[u8]) -> Result<Vec<Self>, CapsError> {
        section::read(bytes)
    }

    /// The name of the section of [`from_section`](Self::from_section).
    pub const SECTION: &'static str = ".alt_cpucaps";

    fn new(text: String, model: Cpucaps, possible: Vec<Option<bool>>) -> Self {
        let custom = vec![None; model.caps.len()];
        let (table, undecided) = decide(&model, &possible, &custom);
        Self {
            text,
            model,
            possible,
            custom,
            table,
            undecided,
            of_other_releases: false,
        }
    }

    /// The table of the kernel: rules, scopes, policies, requirements, conflicts.
    ///
    /// [Undecided](Self::undecided) caps are impossible in it.
    pub fn table(&self) -> &'static CapTable {
        self.table
    }

    /// The TOML text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The number of the cap with this name.
    pub fn number(&self, name: &str) -> Option<u16> {
        let info = self.table.iter().find(|info| info.name == name);
        info.map(|info| info.cap.number())
    }

    /// The name of the cap with this number.
    pub fn name(&self, number: u16) -> Option<&'static str> {
        self.table.name(number)
    }

    /// The caps that the host cannot evaluate, by number. They are absent until
    /// [`assume`](Self::assume) decides them.
    pub fn undecided(&self) -> &[Undecided] {
        &self.undecided
    }

    /// Sets the unknown values of the cap `name`: its `cfg`, and the results of the kernel's
    /// functions in its rule. The rest of the rule, and its requirements, still apply. Of
    /// [Linux's](Self::linux) caps, the value replaces the rule.
    ///
    /// # Errors
    /// [`CapsError::Decided`] if no cap of this name is undecided.
    pub fn assume(&mut self, name: &str, outcome: bool) -> Result<(), CapsError> {
        if self.of_other_releases {
            self.forget_condition(name);
        }
        let number = self
            .undecided
            .iter()
            .find(|undecided| undecided.name == name)
            .map(|undecided| usize::from(undecided.number));
        let places = number.and_then(|number| {
            let possible = self.possible.get_mut(number)?;
            Some((possible, self.custom.get_mut(number)?))
        });
        let Some((possible, custom)) = places else {
            return Err(CapsError::Decided {
                name: name.to_owned(),
                undecided: self.undecided.iter().map(|cap| cap.name).collect(),
            });
        };
        possible.get_or_insert(outcome);
        *custom = Some(outcome);
        (self.table, self.undecided) = decide(&self.model, &self.possible, &self.custom);
        Ok(())
    }

    /// The caps of a system whose CPUs all have the registers `ids`, evaluated by the code of
    /// alt-runtime: boot scope first, then the rest.
    ///
    /// `cmdline` is the kernel command line, for overrides such as `arm64.nolse`.
    /// [Undecided](Self::undecided) caps, and those that require one, are not in the set.
    ///
    /// # Errors
    /// [`CapsError::Override`] for the first invalid override, which a kernel would ignore with a
    /// warning; [`CapsError::Detect`] if two caps conflict.
    pub fn detect(&self, ids: &IdRegs, cmdline: &str) -> Result<CapSet, CapsError> {
        let mut refused = None;
        let overrides = Overrides::parse(self.table, cmdline, |word| {
            refused.get_or_insert(word);
        });
        if let Some(rejected) = refused {
            return Err(CapsError::Override {
                word: rejected.word.to_owned(),
                why: rejected.error,
            });
        }
        let mut ids = *ids;
        overrides.apply(&mut ids, |_| ());
        Ok(*SystemView::new(self.table, &ids)?.finalise()?.caps())
    }
}

/// The table of the decided caps, and the undecided ones.
fn decide(
    model: &Cpucaps,
    possible: &[Option<bool>],
    custom: &[Option<bool>],
) -> (&'static CapTable, Vec<Undecided>) {
    let table = table::leak(model, possible, custom);
    let name = |number| table.name(number);
    let undecided = undecided::find(model, name, possible, custom);
    (table, undecided)
}

/// Whether a cap is possible, if the file alone decides that.
fn without_cfg(cap: &Cpucap) -> Option<bool> {
    cap.cfg.is_none().then_some(true)
}
