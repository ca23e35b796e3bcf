//! The early CPUs of a system, until its cpucaps are final.

use alt_cpu::{CapKind, Field, Scope};

use super::{
    CapEntry, CapSet, CapTable, CpuVerdict, DetectError, Difference, FinalCaps, IdRegs,
    judge::{Judge, parked},
};

/// The CPUs that are online during boot, as one system.
///
/// It is created from the boot CPU, which decides the boot-scope caps. The secondaries are
/// [added](Self::add_cpu) one by one, in any order; [`finalise`](Self::finalise) decides the other
/// caps. It is plain data: the kernel must ensure that only one CPU at a time uses it.
#[derive(Clone, Debug)]
pub struct SystemView {
    table: &'static CapTable,
    /// The registers, sanitised over the CPUs so far.
    ids: IdRegs,
    /// The registers of the boot CPU.
    boot_ids: IdRegs,
    /// The fields on whose values the kernel already relies.
    built_on: &'static [&'static Field],
    /// The boot-scope caps that are present.
    boot: CapSet,
    /// Caps that at least one CPU has by its own registers.
    any: CapSet,
    /// Caps that every CPU has by its own registers.
    every: CapSet,
    cpus: usize,
}

impl SystemView {
    /// The system of only the boot CPU, with the registers `ids`. Decides the boot-scope caps.
    ///
    /// A boot-scope cap that requires one of another scope is absent, because the other one is not
    /// decided yet.
    ///
    /// # Errors
    ///
    /// [`DetectError::Conflict`] if two boot-scope caps are present that exclude each other.
    pub fn new(table: &'static CapTable, ids: &IdRegs) -> Result<Self, DetectError> {
        let own = table.of_cpu(ids);
        let boot = Self::boot_set(table, &own);
        table.check_conflicts(&boot)?;
        Ok(Self::of_boot_cpu(table, ids, own, boot))
    }

    /// The boot-scope caps of a boot CPU that has the caps `own` by its registers.
    pub(crate) fn boot_set(table: &CapTable, own: &CapSet) -> CapSet {
        let mut boot = own.intersect(&table.of_scope(Scope::Boot));
        // A cap of `own` may require one of a later scope.
        table.drop_unsupported(&mut boot);
        boot
    }

    /// As [`new`](Self::new), with `own`, the caps that the boot CPU has by its registers, and their
    /// [`boot_set`](Self::boot_set).
    #[inline]
    pub(crate) fn of_boot_cpu(
        table: &'static CapTable,
        ids: &IdRegs,
        own: CapSet,
        boot: CapSet,
    ) -> Self {
        let mut view = Self {
            table,
            ids: *ids,
            boot_ids: *ids,
            built_on: &[],
            boot,
            any: own,
            every: own,
            cpus: 1,
        };
        // In place: a copy would take stack.
        view.ids.sanitise();
        view
    }

    /// Declares that the kernel relies on the current values of these fields in
    /// [`ids`](Self::ids), for example because it has set up page tables for the boot CPU. A CPU
    /// that comes later is parked if it would change the value for the system. A second declaration
    /// replaces the first.
    ///
    /// For late CPUs this always applies to `ID_AA64MMFR0_EL1.ASIDBits` and `PARange`, and to
    /// `DCZID_EL0`.
    pub const fn build_on(&mut self, fields: &'static [&'static Field]) {
        self.built_on = fields;
    }

    /// The fields in which a CPU with the registers `ids` differs from the boot CPU and should not:
    /// each is a line for the log.
    pub fn differences<'a>(
        &'a self,
        ids: &'a IdRegs,
    ) -> impl Iterator<Item = Difference> + use<'a> {
        self.boot_ids.differences(ids)
    }

    /// Adds a secondary CPU with the registers `ids`, before the cpucaps are final.
    ///
    /// It must agree with the boot-scope caps, for which the text has already been patched: they
    /// get the same verdict as on a [late CPU](FinalCaps::late_cpu). It must also support the values
    /// on which the kernel [relies](Self::build_on). If the verdict is not `Ok`, the CPU is not
    /// added.
    pub fn add_cpu(&mut self, ids: &IdRegs) -> CpuVerdict {
        let own = self.table.of_cpu(ids);
        let boot_scope = |info: &CapEntry| info.scope == Scope::Boot;
        let judge = Judge {
            table: self.table,
            ids: &self.ids,
            caps: &self.boot,
        };
        let verdict = match judge.caps(self.table.iter().filter(boot_scope), ids, &own) {
            CpuVerdict::Ok => parked(judge.built_on(self.built_on, ids)),
            verdict => verdict,
        };
        if verdict.is_ok() {
            self.ids.merge(ids);
            self.any = self.any.union(&own);
            self.every = self.every.intersect(&own);
            self.cpus += 1;
        }
        verdict
    }

    /// Decides the caps of all scopes.
    ///
    /// # Errors
    ///
    /// [`DetectError::Conflict`] if two caps are present that exclude each other.
    pub fn finalise(&self) -> Result<FinalCaps, DetectError> {
        Ok(self.with_final_set(self.final_set()?))
    }

    /// The caps that are present, of all scopes.
    #[inline(never)]
    pub(crate) fn final_set(&self) -> Result<CapSet, DetectError> {
        match self.cpus {
            // The caps of any CPU, and those of every CPU, are the caps of this one.
            1 => Self::final_set_of_one(self.table, &self.boot_ids, &self.every, &self.boot),
            _ => settled(self.table, self.of_all_cpus()),
        }
    }

    /// The caps that are present, of all scopes, in a system that consists of one CPU: that of
    /// [`of_boot_cpu`](Self::of_boot_cpu).
    pub(crate) fn final_set_of_one(
        table: &'static CapTable,
        ids: &IdRegs,
        own: &CapSet,
        boot: &CapSet,
    ) -> Result<CapSet, DetectError> {
        // The sanitised registers are those of the CPU, without bits that no field has. Only a function
        // of the kernel can see the difference.
        let own = match table.has_custom() {
            true => {
                let mut ids = *ids;
                ids.sanitise();
                &table.matching(&ids)
            }
            false => own,
        };
        settled(
            table,
            own.difference(&table.of_scope(Scope::Boot)).union(boot),
        )
    }

    /// The system with `caps`, its [`final_set`](Self::final_set).
    #[inline]
    pub(crate) fn with_final_set(&self, caps: CapSet) -> FinalCaps {
        FinalCaps {
            table: self.table,
            ids: self.ids,
            boot_ids: self.boot_ids,
            built_on: self.built_on,
            caps,
            cpus: self.cpus,
        }
    }

    /// The caps of all scopes, whether or not what they require is present.
    fn of_all_cpus(&self) -> CapSet {
        let shared = self.table.matching(&self.ids);
        let mut rules = (0..).zip(self.table.rules());
        CapSet::from_answers(|| {
            let (number, (root, rule)) = rules.next()?;
            let has = |caps: &CapSet| caps.contains_number(number);
            Some(match root.scope() {
                Scope::Boot => has(&self.boot),
                // The sanitised registers may have no model, so the registers of each CPU count
                // as well: a feature must be on all of them, an erratum on any.
                Scope::System if rule.reads_model() => match root.cap_kind() {
                    CapKind::Feature => has(&shared) && has(&self.every),
                    CapKind::Erratum => has(&shared) || has(&self.any),
                },
                Scope::System => has(&shared),
                Scope::Local if root.late().needs_all_early_cpus() => has(&self.every),
                Scope::Local => has(&self.any),
            })
        })
    }

    /// The table of the cpucaps.
    pub const fn table(&self) -> &'static CapTable {
        self.table
    }

    /// The boot-scope caps that are present. The other caps are not decided yet.
    pub const fn boot_caps(&self) -> &CapSet {
        &self.boot
    }

    /// The ID registers, sanitised over the CPUs so far.
    pub const fn ids(&self) -> &IdRegs {
        &self.ids
    }

    /// The number of CPUs so far, including the boot CPU.
    pub const fn cpus(&self) -> usize {
        self.cpus
    }
}

/// The caps that are present, of those whose rules hold.
fn settled(table: &CapTable, mut caps: CapSet) -> Result<CapSet, DetectError> {
    // This removes no boot-scope cap: what it requires is in the set of the boot CPU.
    table.drop_unsupported(&mut caps);
    table.check_conflicts(&caps)?;
    Ok(caps)
}
