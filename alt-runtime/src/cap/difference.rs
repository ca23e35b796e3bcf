//! How a CPU differs from the rest of its system, beside its cpucaps.

use core::fmt;

use alt_cpu::{
    Field, Register,
    fields::{DCZID_EL0, ID_AA64MMFR0_EL1},
};

use super::{Conflict, IdRegs};

/// A field in which a CPU differs from the boot CPU, though the CPUs of one system should agree
/// in it.
///
/// Fields in which they [usually differ](Field::may_differ) are not reported. A difference is no
/// verdict: the system uses the [safe](alt_cpu::Safe) value. But it may be a fault of the
/// firmware or hypervisor, and decisions made on the boot CPU alone may not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The field.
    pub field: &'static Field,
    /// The boot CPU's value.
    pub boot: i64,
    /// The CPU's own.
    pub cpu: i64,
}

/// For the log: `ID_AA64DFR0_EL1.BRPs: 1 here, 5 on the boot CPU`.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, boot, cpu } = self;
        write!(f, "{field}: {cpu} here, {boot} on the boot CPU")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Difference {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{}", defmt::Display2Format(self));
    }
}

/// The fields in which `cpu` should agree with `boot` and does not.
pub(super) fn differences<'a>(
    boot: &'a IdRegs,
    cpu: &'a IdRegs,
) -> impl Iterator<Item = Difference> + use<'a> {
    let differ = |register: &&Register| boot.get(**register) != cpu.get(**register);
    let registers = Register::ALL.iter().filter(differ);
    registers
        .flat_map(|register| register.fields())
        .map(|field| Difference {
            field,
            boot: boot.field(field),
            cpu: cpu.field(field),
        })
        .filter(|difference| difference.boot != difference.cpu && !difference.field.may_differ)
}

/// What every kernel has built on when its CPUs are up: the width of the ASIDs that it gives out,
/// physical memory that all CPUs reach, and the block that `DC ZVA` zeroes.
pub(super) const ALWAYS_BUILT_ON: &[&Field] = &[
    &ID_AA64MMFR0_EL1::ASIDBits,
    &ID_AA64MMFR0_EL1::PARange,
    &DCZID_EL0::DZP,
];

/// The first of the fields for which a system with the registers `system` would have another
/// value if `cpu` were one of its CPUs.
pub(super) fn built_on<'f>(
    fields: impl IntoIterator<Item = &'f &'static Field>,
    system: &IdRegs,
    cpu: &IdRegs,
) -> Option<Conflict> {
    let mut with = *system;
    with.merge(cpu);
    let mut field = *fields
        .into_iter()
        .find(|field| with.field(field) != system.field(field))?;
    // Blocks of different sizes make DC ZVA unusable: DZP of the system changes, not of a CPU.
    if field.register == Register::DCZID_EL0 && system.field(field) == cpu.field(field) {
        field = &DCZID_EL0::BS;
    }
    Some(Conflict::BuiltOn {
        field,
        system: system.field(field),
        cpu: cpu.field(field),
    })
}
