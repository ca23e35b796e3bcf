//! One set of ID registers that holds for several CPUs.

use alt_cpu::{Field, Register, Safe, fields::DCZID_EL0};

use super::IdRegs;

impl IdRegs {
    /// Makes of these registers what holds for these CPUs and for `cpu` as well.
    ///
    /// Each field is merged by its [`Safe`] rule. Bits of no known field are cleared, since their
    /// safe value is unknown. The order in which CPUs are merged makes no difference.
    ///
    /// `MIDR_EL1` and `REVIDR_EL1` name one CPU and cannot name two: when the models differ,
    /// both become zero, which is no CPU at all. Ask each CPU itself for its errata.
    pub fn merge(&mut self, cpu: &IdRegs) {
        let before = *self;
        for &register in Register::ALL {
            let mut word = match register {
                // Each bit is an erratum that is fixed on both.
                Register::REVIDR_EL1 => before.get(register) & cpu.get(register),
                _ => 0,
            };
            for field in register.fields() {
                let value = safer(field, before.field(field), cpu.field(field));
                word = field.insert(word, value);
            }
            self.set(register, word);
        }
        if before.get(Register::MIDR_EL1) != cpu.get(Register::MIDR_EL1) {
            self.set(Register::MIDR_EL1, 0);
            self.set(Register::REVIDR_EL1, 0);
        }
        // Software that zeroes by the smaller of two block sizes would zero too much on the CPU
        // with the larger: prohibited, says DZP.
        if before.field(&DCZID_EL0::BS) != cpu.field(&DCZID_EL0::BS) {
            self.set_field(&DCZID_EL0::DZP, 1);
        }
    }

    /// These registers without the bits that belong to no field: what holds for a system of one
    /// CPU.
    pub fn sanitised(mut self) -> Self {
        let cpu = self;
        self.merge(&cpu);
        self
    }
}

/// The value of `field` that is safe to rely on where one CPU has `a` and another has `b`.
pub(super) fn safer(field: &Field, a: i64, b: i64) -> i64 {
    match field.safe {
        Safe::LowerSafe => a.min(b),
        Safe::HigherSafe => a.max(b),
        Safe::HigherOrZeroSafe if a == 0 || b == 0 => 0,
        Safe::HigherOrZeroSafe => a.max(b),
        Safe::Exact(_) if a == b => a,
        Safe::Exact(value) => value,
    }
}
