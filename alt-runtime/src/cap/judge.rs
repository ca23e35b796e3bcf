//! Whether a CPU fits what has been decided.

use alt_cpu::{Register, Safe};

use super::{
    Cap, CapInfo, CapSet, CapTable, Conflict, CpuVerdict, Evidence, IdRegs, Scope, Verdict,
};

/// What the system has decided so far.
pub(super) struct Decided<'a> {
    pub table: &'a CapTable,
    /// The sanitised registers.
    pub ids: &'a IdRegs,
    /// The caps that are present.
    pub caps: &'a CapSet,
}

impl Decided<'_> {
    /// The worst verdict by one of `infos` on the CPU with the registers `cpu`, which by these
    /// has the caps `own`. Of several such, the first.
    pub fn judge<'t>(
        &self,
        infos: impl Iterator<Item = &'t CapInfo>,
        cpu: &IdRegs,
        own: &CapSet,
    ) -> CpuVerdict {
        let mut worst = CpuVerdict::Ok;
        for info in infos {
            let difference = match self.caps.contains(info.cap) {
                true => self.lack(info, cpu, own),
                false => self.surplus(info, cpu, own),
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

    /// The system has the cap; if the CPU has not the same, what follows.
    fn lack(&self, info: &CapInfo, cpu: &IdRegs, own: &CapSet) -> Option<(Verdict, Conflict)> {
        let conflict = if own.contains(info.cap) {
            self.other_kind(info, cpu)?
        } else {
            Conflict::Lacks {
                cap: info.cap,
                name: info.name,
                evidence: self.root_cause(info, cpu, own),
            }
        };
        Some((info.late.if_cpu_lacks(), conflict))
    }

    /// The system does without the cap; if the CPU has it, what follows.
    fn surplus(&self, info: &CapInfo, cpu: &IdRegs, own: &CapSet) -> Option<(Verdict, Conflict)> {
        // What requires another cap that the system does without is of no consequence.
        let matters = info.requires.iter().all(|&cap| self.caps.contains(cap));
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

    /// Both have the cap, by different values of a field that has no order: they do not
    /// understand each other.
    fn other_kind(&self, info: &CapInfo, cpu: &IdRegs) -> Option<Conflict> {
        let Evidence::Field { field, value } = info.rule.evidence(self.ids) else {
            return None;
        };
        // A local cap is each CPU's own affair, and so is what the CPU is called.
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

    /// Why the CPU lacks the cap: along its requirements, what the first rule to fail says.
    fn root_cause(&self, info: &CapInfo, cpu: &IdRegs, own: &CapSet) -> Evidence {
        let mut info = info;
        // Requirements may form a circle; no chain without one is longer than the table.
        for _ in 0..self.table.len() {
            if !info.rule.matches(cpu) {
                break;
            }
            let missing = |cap: &&Cap| !own.contains(**cap);
            let next = info.requires.iter().find(missing);
            match next.and_then(|cap| self.table.get(cap.number())) {
                Some(next) => info = next,
                None => break,
            }
        }
        info.rule.evidence(cpu)
    }
}
