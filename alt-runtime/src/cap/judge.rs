//! The comparison of a CPU with the decisions for the system.

use alt_cpu::{
    Field, Register, Safe, Scope, Verdict,
    fields::{CTR_EL0, DCZID_EL0, ID_AA64MMFR0_EL1},
};

use super::{Cap, CapEntry, CapSet, CapTable, Conflict, CpuVerdict, Evidence, IdRegs};

/// Every kernel relies on these when its CPUs are online: the width of its ASIDs, physical memory
/// that all CPUs can address, and the block size of `DC ZVA`.
pub(super) const ALWAYS_BUILT_ON: &[&Field] = &[
    &ID_AA64MMFR0_EL1::ASIDBits,
    &ID_AA64MMFR0_EL1::PARange,
    &DCZID_EL0::DZP,
];

/// The decisions for the system so far, to compare a CPU with them.
pub(super) struct Judge<'a> {
    pub table: &'a CapTable,
    /// The sanitised registers.
    pub ids: &'a IdRegs,
    /// The caps that are present.
    pub caps: &'a CapSet,
}

impl Judge<'_> {
    /// The most severe verdict by one of the caps `infos` on a CPU with the registers `cpu`, by
    /// which it has the caps `own`. If several are equally severe, the first.
    pub fn caps(
        &self,
        infos: impl Iterator<Item = CapEntry>,
        cpu: &IdRegs,
        own: &CapSet,
    ) -> CpuVerdict {
        let mut worst = CpuVerdict::Ok;
        for info in infos {
            let difference = match self.caps.contains(info.cap) {
                true => self.lack(&info, cpu, own),
                false => self.surplus(&info, cpu, own),
            };
            let Some((verdict, conflict)) = difference else {
                continue;
            };
            if verdict > worst.verdict() {
                worst = CpuVerdict::new(verdict, conflict);
            }
        }
        worst
    }

    /// The verdict on the CPU for a cap that the system has; `None` if the CPU has the same.
    fn lack(&self, info: &CapEntry, cpu: &IdRegs, own: &CapSet) -> Option<(Verdict, Conflict)> {
        let conflict = if own.contains(info.cap) {
            self.other_value(info, cpu)?
        } else {
            Conflict::Lacks {
                cap: info.cap,
                name: info.name,
                evidence: self.root_cause(info, cpu, own),
            }
        };
        Some((info.late.if_cpu_lacks(), conflict))
    }

    /// The verdict on the CPU for a cap that the system lacks; `None` if the CPU lacks it, too.
    fn surplus(&self, info: &CapEntry, cpu: &IdRegs, own: &CapSet) -> Option<(Verdict, Conflict)> {
        // Ignore a cap that requires another one which the system does not have.
        let matters = info.requires.iter().all(|cap| self.caps.contains(cap));
        if !matters || !own.contains(info.cap) {
            return None;
        }
        let conflict = Conflict::Has {
            cap: info.cap,
            name: info.name,
            evidence: info.rule.evidence(cpu),
        };
        Some((info.late.if_cpu_has(), conflict))
    }

    /// The conflict if CPU and system have the cap by different values of a field whose values have
    /// no order: they are not compatible.
    fn other_value(&self, info: &CapEntry, cpu: &IdRegs) -> Option<Conflict> {
        let Evidence::Field { field, value } = info.rule.evidence(self.ids) else {
            return None;
        };
        // CPUs may differ in a local cap and in the model.
        let shared = info.scope != Scope::Local && field.register != Register::MIDR_EL1;
        let ordered = !matches!(field.safe, Safe::Exact(_));
        if !shared || ordered || cpu.field(field) == value {
            return None;
        }
        Some(Conflict::Differs {
            cap: info.cap,
            name: info.name,
            field,
            system: value,
            cpu: cpu.field(field),
        })
    }

    /// Why the CPU lacks the cap: the evidence of the first rule that is false, of the cap itself or
    /// of a cap that it requires, directly or indirectly.
    fn root_cause(&self, info: &CapEntry, cpu: &IdRegs, own: &CapSet) -> Evidence {
        let mut info = *info;
        // Requirements may be circular; a chain without a circle is not longer than the table.
        for _ in 0..self.table.len() {
            if !info.rule.matches(cpu) {
                break;
            }
            let missing = |cap: &Cap| !own.contains(*cap);
            let next = info.requires.iter().find(missing);
            match next.and_then(|cap| self.table.get(cap.number())) {
                Some(next) => info = next,
                None => break,
            }
        }
        info.rule.evidence(cpu)
    }

    /// The first field of `fields` whose value for the system would change if `cpu` were one of its
    /// CPUs.
    pub fn built_on<'f>(
        &self,
        fields: impl IntoIterator<Item = &'f &'static Field>,
        cpu: &IdRegs,
    ) -> Option<Conflict> {
        let system = self.ids;
        let mut with = *system;
        with.merge(cpu);
        let mut field = *fields
            .into_iter()
            .find(|field| with.field(field) != system.field(field))?;
        // Two block sizes make DC ZVA unusable in the system: DZP changes although neither CPU sets
        // it.
        if field.register == Register::DCZID_EL0 && system.field(field) == cpu.field(field) {
            field = &DCZID_EL0::BS;
        }
        Some(Conflict::BuiltOn {
            field,
            system: system.field(field),
            cpu: cpu.field(field),
        })
    }

    /// The first field of `CTR_EL0` by which `cpu` needs more cache maintenance than the system.
    pub fn caches(&self, cpu: &IdRegs) -> Option<Conflict> {
        // L1Ip: PIPT is the highest value.
        const STRICTER_WHEN_LOWER: [&Field; 5] = [
            &CTR_EL0::DminLine,
            &CTR_EL0::IminLine,
            &CTR_EL0::IDC,
            &CTR_EL0::DIC,
            &CTR_EL0::L1Ip,
        ];
        for field in STRICTER_WHEN_LOWER {
            let (system, cpu) = (self.ids.field(field), cpu.field(field));
            if cpu < system {
                return Some(Conflict::Caches { field, system, cpu });
            }
        }
        None
    }
}

/// The verdict on a CPU that must be kept out if there is a conflict.
pub(super) fn parked(conflict: Option<Conflict>) -> CpuVerdict {
    conflict.map_or(CpuVerdict::Ok, CpuVerdict::ParkCpu)
}
