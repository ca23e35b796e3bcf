//! The sections of the layout.

use super::alternative::AlternativeRecord;
use super::branch::BranchRecord;
use crate::callback::Callback;
use crate::insn::Insn;
use crate::room::PlannedWrite;

/// A section of the layout. The discriminants are the order in `__alt_bounds`, the table of the
/// sections' bounds that the runtime reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Section {
    /// The table of [`BranchRecord`]s.
    Branches,
    /// The table of [`AlternativeRecord`]s.
    Alternatives,
    /// The instructions of the arms.
    Replacements,
    /// Room for the plan, where the linker script reserves it.
    Plan,
    /// The table of [`Callback`]s.
    Callbacks,
    /// A section that is not loaded. Its size is that of the plan of all sites.
    PlanSize,
}

impl Section {
    /// All sections, in the order of `__alt_bounds`.
    pub const ALL: [Self; 6] = [
        Self::Branches,
        Self::Alternatives,
        Self::Replacements,
        Self::Plan,
        Self::Callbacks,
        Self::PlanSize,
    ];

    /// The name of the section: a C identifier, so that linkers define its bounds.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Branches => "alt_branches",
            Self::Alternatives => "alt_records",
            Self::Replacements => "alt_replacements",
            Self::Plan => "alt_plan",
            Self::Callbacks => "alt_callbacks",
            Self::PlanSize => "alt_plan_size",
        }
    }

    /// The size of an element in bytes, in an image.
    pub const fn element_size(self) -> u64 {
        match self {
            Self::Branches => size_of::<BranchRecord>() as u64,
            Self::Alternatives => size_of::<AlternativeRecord>() as u64,
            Self::Replacements => size_of::<Insn>() as u64,
            Self::Plan | Self::PlanSize => size_of::<PlannedWrite>() as u64,
            // A name and a function: three words of 8 bytes.
            Self::Callbacks => 24,
        }
    }
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Callback>() as u64 == Section::Callbacks.element_size());

/// Begins an `.irp` over the names of all sections, in the order of [`Section`].
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_each_section {
    () => {
        ".irp section, alt_branches, alt_records, alt_replacements, alt_plan, alt_callbacks, alt_plan_size"
    };
}

/// States how much room the site needs in the patch plan.
///
/// The section is not loaded and has no bytes in the file; its size is what the linker
/// script, and [`Image`](crate::Image), learn from it.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_plan_room {
    () => {
        concat!(
            $crate::__alt_section!("alt_plan_size", "o", "@nobits"),
            ".balign 4\n",
            ".skip 12 * ((9062b - 9061b) / 4)\n",
            ".popsection",
        )
    };
}
