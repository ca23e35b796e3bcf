//! The cpucaps of a system when they are final, and the verdict on CPUs that come later.

use alt_cpu::{Field, Scope};

use super::{
    CapSet, CapTable, CpuVerdict, Difference, IdRegs,
    judge::{ALWAYS_BUILT_ON, Judge, parked},
};

/// The final cpucaps of a system.
#[derive(Clone, Debug)]
pub struct FinalCaps {
    pub(super) table: &'static CapTable,
    pub(super) ids: IdRegs,
    pub(super) boot_ids: IdRegs,
    pub(super) built_on: &'static [&'static Field],
    pub(super) caps: CapSet,
    pub(super) cpus: usize,
}

impl FinalCaps {
    /// Those of a system that consists of one CPU, with the registers `ids`.
    #[cfg(all(target_arch = "aarch64", target_os = "none"))]
    #[inline]
    pub(crate) fn of_one_cpu(
        table: &'static CapTable,
        ids: &IdRegs,
        built_on: &'static [&'static Field],
        caps: CapSet,
    ) -> Self {
        let mut all = Self {
            table,
            ids: *ids,
            boot_ids: *ids,
            built_on,
            caps,
            cpus: 1,
        };
        // In place: a copy would take stack.
        all.ids.sanitise();
        all
    }

    /// The table of the cpucaps.
    pub const fn table(&self) -> &'static CapTable {
        self.table
    }

    /// The caps that are present.
    pub const fn caps(&self) -> &CapSet {
        &self.caps
    }

    /// The caps that are present, without those of boot scope: those that could only be decided when
    /// all early CPUs were online.
    pub fn later_caps(&self) -> CapSet {
        self.caps.difference(&self.table.of_scope(Scope::Boot))
    }

    /// The ID registers, sanitised over all early CPUs.
    pub const fn ids(&self) -> &IdRegs {
        &self.ids
    }

    /// The number of early CPUs.
    pub const fn cpus(&self) -> usize {
        self.cpus
    }

    /// The fields in which a CPU with the registers `ids` differs from the boot CPU and should not:
    /// each is a line for the log.
    pub fn differences<'a>(
        &'a self,
        ids: &'a IdRegs,
    ) -> impl Iterator<Item = Difference> + use<'a> {
        self.boot_ids.differences(ids)
    }

    /// The verdict on a late CPU with the registers `ids`, which comes online now.
    ///
    /// Each cap that the CPU has by its own registers and the system lacks, or the reverse, gets a
    /// verdict by its [`LatePolicy`](super::LatePolicy). The most severe one is returned; if several
    /// are equally severe, the one of the first cap in the table. If the values of a field have no
    /// order, such as the algorithms that sign pointers, a CPU with another value than the system
    /// counts as one without the cap.
    ///
    /// A CPU whose caps match may still need more cache maintenance than the kernel does: it has
    /// smaller lines, or lacks the `IDC` or `DIC` of the others. It would execute the patched text
    /// correctly, since it started after that, but not necessarily code that is written later, such
    /// as a module. It is parked. So is a CPU that does not support a value on which the kernel
    /// [relies](super::SystemView::build_on), such as the number of ASID bits, the size of physical
    /// addresses, or the block size of `DC ZVA`.
    pub fn late_cpu(&self, ids: &IdRegs) -> CpuVerdict {
        let own = self.table.of_cpu(ids);
        let judge = Judge {
            table: self.table,
            ids: &self.ids,
            caps: &self.caps,
        };
        match judge.caps(self.table.iter(), ids, &own) {
            CpuVerdict::Ok => {
                let fields = ALWAYS_BUILT_ON.iter().chain(self.built_on);
                let conflict = judge.caches(ids);
                parked(conflict.or_else(|| judge.built_on(fields, ids)))
            }
            verdict => verdict,
        }
    }
}
