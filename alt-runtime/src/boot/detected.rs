//! The first phase: the boot CPU's ID registers are known.

use crate::cap::{CapSet, CapTable, DetectError, IdRegs, SystemView, idregs::Field};
#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
use crate::{
    arch::Maintenance,
    boot::{Booted, FinaliseError, Finalised},
    cap::{FinalCaps, Scope},
    image::Image,
    patch::{Decision, PatchError, Report, WritableAlias},
};

/// The boot CPU's cpucaps are detected; every site has its default instructions.
#[derive(Clone, Debug)]
pub struct Detected {
    table: &'static CapTable,
    ids: IdRegs,
    built_on: &'static [&'static Field],
    caps: CapSet,
    /// Of these, the ones of boot scope that require no other.
    boot: CapSet,
}

impl Detected {
    /// Detects which cpucaps of `table` are present on the CPU with the registers `ids`.
    ///
    /// It takes at most 1 KB of stack in an optimised kernel, and what custom rules take
    /// (`cargo xtask sizes`).
    ///
    /// # Errors
    /// Two cpucaps that exclude each other are both present.
    #[inline(never)]
    pub fn new(table: &'static CapTable, ids: IdRegs) -> Result<Self, DetectError> {
        let caps = table.detect(&ids)?;
        // These exclude each other no more than all of them.
        let boot = SystemView::boot_set(table, &caps);
        Ok(Self {
            table,
            ids,
            built_on: &[],
            caps,
            boot,
        })
    }

    /// Declares ID register fields whose values the kernel has already read from the boot CPU and
    /// used: see [`SystemView::build_on`].
    pub const fn build_on(&mut self, fields: &'static [&'static Field]) {
        self.built_on = fields;
    }

    /// The table of cpucaps.
    pub fn table(&self) -> &'static CapTable {
        self.table
    }

    /// The ID registers of the boot CPU.
    pub fn ids(&self) -> &IdRegs {
        &self.ids
    }

    /// The cpucaps of the boot CPU. The system may have fewer.
    pub fn caps(&self) -> &CapSet {
        &self.caps
    }

    /// The cpucaps of a system that has only this CPU, of every scope: those for which
    /// [`patch`](Self::patch) patches the text.
    ///
    /// It takes at most 1.25 KB of stack in an optimised kernel, and what custom rules take
    /// (`cargo xtask sizes`).
    ///
    /// # Errors
    /// Two cpucaps that exclude each other are both present.
    // Out of line, so that its stack is free again when the text is patched.
    #[inline(never)]
    pub fn caps_alone(&self) -> Result<CapSet, DetectError> {
        SystemView::final_set_of_one(self.table, &self.ids, &self.caps, &self.boot)
    }

    /// Patches the sites whose conditions name cpucaps of boot scope only.
    ///
    /// It takes at most 2 KB of stack in an optimised kernel for raw tables, 3 KB with the feature
    /// `finished-tables`, and what the callbacks and the alias take (`cargo xtask sizes`).
    ///
    /// Available for the target `aarch64` with `target_os = "none"`.
    ///
    /// # Errors
    /// A record cannot be applied, or a check of the image or the alias failed. The text is
    /// unchanged: the kernel can continue, with the default instructions at every site.
    ///
    /// # Safety
    /// - No other CPU runs, and this one is not inside a site.
    /// - The registers passed to [`new`](Self::new) are those of this CPU, and `image` describes
    ///   the running image.
    /// - Each CPU that starts later executes `ic iallu; dsb nsh; isb`
    ///   ([`invalidate_icache`](crate::boot::invalidate_icache)) after its MMU is on and before it
    ///   executes a site. With the MMU off, it fetches from the point of coherency, to which the
    ///   pass need not clean, and it may keep what it fetched (Arm ARM D7.5.7).
    /// - Handlers of exceptions that the pass cannot mask contain no site: see
    ///   [`rendezvous`](crate::rendezvous#what-may-still-interrupt-a-cpu-that-waits-or-writes).
    #[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
    #[inline(never)]
    pub unsafe fn patch_boot<A: WritableAlias>(
        &self,
        image: &mut Image<'_>,
        alias: &mut A,
    ) -> Result<Booted, PatchError<A::Error>> {
        let decided = self.table.of_scope(Scope::Boot);
        let decision = Decision {
            table: self.table,
            present: &self.boot,
            decided: &decided,
        };
        let maintenance = Maintenance::new(&self.ids);
        // SAFETY: the caller's promise.
        let report = unsafe { first_pass(image, decision, &maintenance, alias) }?;
        Ok(self.booted(&decided, &maintenance, &report))
    }

    /// Patches all sites, as on a system that has only this CPU.
    ///
    /// It takes at most 2 KB of stack in an optimised kernel for raw tables, 3 KB with the feature
    /// `finished-tables`, and what the callbacks and the alias take (`cargo xtask sizes`).
    ///
    /// Available for the target `aarch64` with `target_os = "none"`.
    ///
    /// # Errors
    /// As for [`patch_boot`](Self::patch_boot); the text is unchanged.
    ///
    /// # Safety
    /// As for [`patch_boot`](Self::patch_boot).
    #[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
    #[inline(never)]
    pub unsafe fn patch<A: WritableAlias>(
        &self,
        image: &mut Image<'_>,
        alias: &mut A,
    ) -> Result<Finalised, FinaliseError<A::Error>> {
        // Borrowed: a copy would take stack.
        let caps = self.caps_alone();
        let caps = match &caps {
            Ok(caps) => caps,
            Err(why) => return Err(FinaliseError::Detect(*why)),
        };
        let decision = Decision {
            table: self.table,
            present: caps,
            decided: &CapSet::ALL,
        };
        let maintenance = Maintenance::new(&self.ids);
        // SAFETY: the caller's promise.
        let report = unsafe { first_pass(image, decision, &maintenance, alias) }?;
        Ok(self.finalised(caps, &maintenance, &report))
    }

    // Out of line, where it writes the result without a copy of it on the stack.
    #[cfg(all(target_arch = "aarch64", target_os = "none"))]
    #[inline(never)]
    fn booted(&self, decided: &CapSet, how: &Maintenance, report: &Report) -> Booted {
        let mut view = SystemView::of_boot_cpu(self.table, &self.ids, self.caps, self.boot);
        view.build_on(self.built_on);
        Booted::new(view, *how, *decided, *report)
    }

    // The same.
    #[cfg(all(target_arch = "aarch64", target_os = "none"))]
    #[inline(never)]
    fn finalised(&self, caps: &CapSet, how: &Maintenance, report: &Report) -> Finalised {
        let decided = FinalCaps::of_one_cpu(self.table, &self.ids, self.built_on, *caps);
        Finalised::new(decided, *how, *report)
    }
}

/// The first pass: checks everything that this or a later pass may need, plans, commits and
/// verifies.
///
/// # Safety
/// As for [`Plan::commit`](crate::patch::Plan::commit).
#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
unsafe fn first_pass<A: WritableAlias>(
    image: &mut Image<'_>,
    decision: Decision<'_>,
    how: &Maintenance,
    alias: &mut A,
) -> Result<Report, PatchError<A::Error>> {
    let (region, plan) = image.first_plan(decision)?;
    // SAFETY: the plan is of this region, made just now; the caller's promise.
    unsafe { plan.commit_first(region, how, alias) }
}
