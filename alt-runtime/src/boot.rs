//! The phases of boot, as types: a kernel cannot call them in the wrong order.
//!
//! [`Detected`] → [`Finalised`]. A `Detected` knows the cpucaps and the text does
//! not fit them yet; only patching turns it into a `Finalised`, and only that
//! answers [`has`](Finalised::has).

use crate::arch::Maintenance;
use crate::cap::{Cap, CapSet, CapTable, DetectError, IdRegs};
use crate::patch::{Decision, Report};
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
use crate::{
    image::Image,
    patch::{PatchError, Plan, WritableAlias},
};

/// The boot CPU's cpucaps are known; the text is still the default.
#[derive(Clone, Debug)]
pub struct Detected {
    table: &'static CapTable,
    ids: IdRegs,
    caps: CapSet,
}

impl Detected {
    /// Finds out which cpucaps of `table` the CPU with the registers `ids` has.
    ///
    /// # Errors
    /// Two cpucaps that exclude each other were both found.
    pub fn new(table: &'static CapTable, ids: IdRegs) -> Result<Self, DetectError> {
        let caps = table.detect(&ids)?;
        Ok(Self { table, ids, caps })
    }

    /// The table that the cpucaps are of.
    pub fn table(&self) -> &'static CapTable {
        self.table
    }

    /// The ID registers that the decision was made on.
    pub fn ids(&self) -> &IdRegs {
        &self.ids
    }

    /// The cpucaps found. They say what the text will be, not what it is.
    pub fn caps(&self) -> &CapSet {
        &self.caps
    }

    /// What a pass makes of it.
    pub fn decision(&self) -> Decision<'_> {
        Decision {
            table: self.table,
            present: &self.caps,
            decided: &CapSet::ALL,
        }
    }

    /// The cache maintenance that the boot CPU needs.
    pub fn maintenance(&self) -> Maintenance {
        Maintenance::new(&self.ids)
    }

    /// Rewrites the text of `image` to fit the cpucaps: plan, commit, verify.
    ///
    /// # Errors
    /// What was wrong. The text is as it was, and the kernel runs on with every
    /// site in its default form.
    ///
    /// # Safety
    /// Only one CPU may be running, and none may have been started that executes
    /// the image's text without an ISB after this call. `image` must describe
    /// the running image.
    #[cfg(all(target_arch = "aarch64", target_os = "none"))]
    pub unsafe fn patch<A: WritableAlias>(
        &self,
        image: &mut Image,
        alias: &mut A,
    ) -> Result<Finalised, PatchError<A::Error>> {
        let Image { region, room } = image;
        let plan = Plan::new(region, self.decision(), room).map_err(PatchError::Plan)?;
        // SAFETY: the plan is of this region, made just now; the caller answers
        // for the other CPUs.
        let report = unsafe { plan.commit(region, &self.maintenance(), alias) }?;
        Ok(Finalised {
            detected: self.clone(),
            report,
        })
    }
}

/// The text fits the cpucaps.
#[derive(Clone, Debug)]
pub struct Finalised {
    detected: Detected,
    report: Report,
}

impl Finalised {
    /// Whether the system has `cap`. For code that runs often, `cpu_has_cap!`
    /// answers the same in one instruction.
    pub fn has(&self, cap: Cap) -> bool {
        cap.is_possible() && self.detected.caps.contains(cap)
    }

    /// What was decided, and on which registers.
    pub fn detected(&self) -> &Detected {
        &self.detected
    }

    /// What the pass did.
    pub fn report(&self) -> Report {
        self.report
    }
}
