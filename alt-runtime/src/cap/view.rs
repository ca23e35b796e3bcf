//! The CPUs of a system: collected until the cpucaps are final, and judged after that.

use alt_cpu::{Field, fields::CTR_EL0};

use super::{
    CapInfo, CapKind, CapSet, CapTable, Conflict, CpuVerdict, DetectError, Difference, IdRegs,
    Scope,
    difference::{ALWAYS_BUILT_ON, built_on, differences},
    judge::Decided,
};

/// The CPUs that are online while boot goes on, seen as one.
///
/// Made from the boot CPU, which decides the boot-scope caps; the secondaries
/// [come in](Self::add_cpu) one by one, in any order; [`finalise`](Self::finalise) decides the
/// rest. It is plain data: the kernel sees to it that one CPU at a time works on it.
#[derive(Clone, Debug)]
pub struct SystemView {
    table: &'static CapTable,
    /// Sanitised over the CPUs so far.
    ids: IdRegs,
    /// The boot CPU's.
    boot_ids: IdRegs,
    /// Fields whose values the kernel has put to use already.
    built_on: &'static [&'static Field],
    boot: CapSet,
    /// Caps that at least one CPU has by its own registers.
    any: CapSet,
    /// Caps that every CPU has by its own registers.
    every: CapSet,
    cpus: usize,
}

impl SystemView {
    /// The system while it consists of the boot CPU with the registers `ids`. Decides the caps
    /// of boot scope.
    ///
    /// A boot-scope cap that requires one of another scope is absent: that one is not decided
    /// yet.
    ///
    /// # Errors
    ///
    /// [`DetectError::Conflict`] if two boot-scope caps are present that must not be together.
    pub fn new(table: &'static CapTable, ids: &IdRegs) -> Result<Self, DetectError> {
        Self::of_boot_cpu(table, ids, table.of_cpu(ids))
    }

    /// As [`new`](Self::new), where the caps that the boot CPU has by its own registers are known
    /// to be `own`: the rules are not evaluated again.
    pub(crate) fn of_boot_cpu(
        table: &'static CapTable,
        ids: &IdRegs,
        own: CapSet,
    ) -> Result<Self, DetectError> {
        let mut boot = own.intersect(&table.of_scope(Scope::Boot));
        // A cap of `own` may require one of a later scope.
        table.drop_unsupported(&mut boot);
        table.check_conflicts(&boot)?;
        Ok(Self {
            table,
            ids: ids.sanitised(),
            boot_ids: *ids,
            built_on: &[],
            boot,
            any: own,
            every: own,
            cpus: 1,
        })
    }

    /// Declares that the kernel relies on the values that [`ids`](Self::ids) has now in these
    /// fields, as when it has set up page tables for the boot CPU: a CPU that comes later, with a
    /// value that the system's would have to change for, is parked. In place of an earlier
    /// declaration.
    ///
    /// Of late CPUs, this is always asked of `ID_AA64MMFR0_EL1.ASIDBits` and `PARange`, and of
    /// `DCZID_EL0`.
    pub const fn build_on(&mut self, fields: &'static [&'static Field]) {
        self.built_on = fields;
    }

    /// The fields in which a CPU with the registers `ids` differs from the boot CPU and should
    /// not: a line for the log each.
    pub fn differences<'a>(
        &'a self,
        ids: &'a IdRegs,
    ) -> impl Iterator<Item = Difference> + use<'a> {
        differences(&self.boot_ids, ids)
    }

    /// Takes in a secondary with the registers `ids`, before the cpucaps are final.
    ///
    /// It must agree with the boot-scope caps, by which text has been patched already: they are
    /// judged like those of a [late CPU](Final::late_cpu). It must also have what the kernel has
    /// [built on](Self::build_on). If it does not, nothing of it is taken in.
    pub fn add_cpu(&mut self, ids: &IdRegs) -> CpuVerdict {
        let own = self.table.of_cpu(ids);
        let boot_scope = |info: &&CapInfo| info.scope == Scope::Boot;
        let decided = Decided {
            table: self.table,
            ids: &self.ids,
            caps: &self.boot,
        };
        let verdict = match decided.judge(self.table.iter().filter(boot_scope), ids, &own) {
            CpuVerdict::Ok => parked(built_on(self.built_on, &self.ids, ids)),
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
    /// [`DetectError::Conflict`] if two caps are present that must not be together.
    pub fn finalise(&self) -> Result<Final, DetectError> {
        let shared = self.table.matching(&self.ids);
        let mut caps: CapSet = self
            .table
            .iter()
            .filter(|info| {
                let has = |caps: &CapSet| caps.contains(info.cap);
                match info.scope {
                    Scope::Boot => has(&self.boot),
                    // The sanitised registers are those of no model: on the safe side is what
                    // each CPU says of itself as well.
                    Scope::System if info.rule.reads_model() => match info.kind {
                        CapKind::Feature => has(&shared) && has(&self.every),
                        CapKind::Erratum => has(&shared) || has(&self.any),
                    },
                    Scope::System => has(&shared),
                    Scope::Local if info.late.needs_all_early_cpus() => has(&self.every),
                    Scope::Local => has(&self.any),
                }
            })
            .map(|info| info.cap)
            .collect();
        // No boot-scope cap goes: all that one requires is in `boot` with it.
        self.table.drop_unsupported(&mut caps);
        self.table.check_conflicts(&caps)?;
        Ok(Final {
            table: self.table,
            ids: self.ids,
            boot_ids: self.boot_ids,
            built_on: self.built_on,
            caps,
            cpus: self.cpus,
        })
    }

    /// The table that the cpucaps are of.
    pub const fn table(&self) -> &'static CapTable {
        self.table
    }

    /// The boot-scope caps that are present; of no other cap is anything known yet.
    pub const fn boot_caps(&self) -> &CapSet {
        &self.boot
    }

    /// The ID registers, sanitised over the CPUs so far.
    pub const fn ids(&self) -> &IdRegs {
        &self.ids
    }

    /// How many CPUs there are so far, the boot CPU included.
    pub const fn cpus(&self) -> usize {
        self.cpus
    }
}

/// The cpucaps of the system, final.
#[derive(Clone, Debug)]
pub struct Final {
    table: &'static CapTable,
    ids: IdRegs,
    boot_ids: IdRegs,
    built_on: &'static [&'static Field],
    caps: CapSet,
    cpus: usize,
}

impl Final {
    /// The table that the cpucaps are of.
    pub const fn table(&self) -> &'static CapTable {
        self.table
    }

    /// The caps that are present.
    pub const fn caps(&self) -> &CapSet {
        &self.caps
    }

    /// The caps that are present and were not known before all early CPUs were online: all but
    /// those of boot scope.
    pub fn later_caps(&self) -> CapSet {
        self.caps.difference(&self.table.of_scope(Scope::Boot))
    }

    /// The ID registers, sanitised over all CPUs that took part.
    pub const fn ids(&self) -> &IdRegs {
        &self.ids
    }

    /// How many CPUs took part in the decision.
    pub const fn cpus(&self) -> usize {
        self.cpus
    }

    /// The fields in which a CPU with the registers `ids` differs from the boot CPU and should
    /// not: a line for the log each.
    pub fn differences<'a>(
        &'a self,
        ids: &'a IdRegs,
    ) -> impl Iterator<Item = Difference> + use<'a> {
        differences(&self.boot_ids, ids)
    }

    /// Judges a CPU with the registers `ids` that comes online now.
    ///
    /// Each cap that the CPU by its own registers has and the system has not, or the reverse,
    /// gets a verdict by its [`LatePolicy`](super::LatePolicy). The worst one counts, and of
    /// several such the first in the table. Where the values of a field have no order, as with
    /// the algorithms that sign pointers, a CPU with another value than the system's counts as
    /// one without the cap.
    ///
    /// A CPU that fits in its caps may still have caches of which the system would not take
    /// care: with smaller lines, or without the `IDC` or `DIC` that the others have. It would
    /// run what is patched, since it came after that; yet the next code that is written, of a
    /// module say, would reach it in part or not at all. It is parked, and so is a CPU that cannot
    /// do with what the kernel has [built on](SystemView::build_on): fewer bits of ASID, less
    /// physical memory, or another block of `DC ZVA`.
    pub fn late_cpu(&self, ids: &IdRegs) -> CpuVerdict {
        let own = self.table.of_cpu(ids);
        let decided = Decided {
            table: self.table,
            ids: &self.ids,
            caps: &self.caps,
        };
        match decided.judge(self.table.iter(), ids, &own) {
            CpuVerdict::Ok => {
                let fields = ALWAYS_BUILT_ON.iter().chain(self.built_on);
                let conflict = self.caches(ids);
                parked(conflict.or_else(|| built_on(fields, &self.ids, ids)))
            }
            verdict => verdict,
        }
    }

    fn caches(&self, ids: &IdRegs) -> Option<Conflict> {
        // L1Ip: PIPT is the highest value.
        const STRICTER_WHEN_LOWER: [&Field; 5] = [
            &CTR_EL0::DminLine,
            &CTR_EL0::IminLine,
            &CTR_EL0::IDC,
            &CTR_EL0::DIC,
            &CTR_EL0::L1Ip,
        ];
        for field in STRICTER_WHEN_LOWER {
            let (system, cpu) = (self.ids.field(field), ids.field(field));
            if cpu < system {
                return Some(Conflict::Caches { field, system, cpu });
            }
        }
        None
    }
}

fn parked(conflict: Option<Conflict>) -> CpuVerdict {
    conflict.map_or(CpuVerdict::Ok, CpuVerdict::ParkCpu)
}
