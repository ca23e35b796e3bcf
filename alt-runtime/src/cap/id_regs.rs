//! The ID registers of a CPU, as values.

use core::fmt;

use alt_cpu::{Field, Register, fields::DCZID_EL0};

/// The ID registers of a CPU, or the sanitised ID registers of a system, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdRegs {
    words: [u64; Register::COUNT],
}

impl IdRegs {
    /// All registers zero: unknown implementer, no optional features.
    pub const fn new() -> Self {
        Self {
            words: [0; Register::COUNT],
        }
    }

    /// Reads the ID registers of the CPU that executes this, and the exception level at which it
    /// executes. Call it at the exception level of the kernel.
    ///
    /// The caller must not move to another CPU meanwhile. A register that the CPU does not
    /// implement is zero. This is what unallocated encodings in the ID space (op0 = 3, op1 = 0,
    /// CRn = 0, CRm = 4 to 7) read as (Arm ARM DDI 0487, "Principles of the ID scheme"); a register
    /// outside of this space is only read if it [exists](Register::exists_if). Only the named bits
    /// of `HCR_EL2` are kept, since the others do not describe the CPU.
    ///
    /// It takes at most 256 bytes of stack in an optimised kernel (`cargo xtask sizes`).
    ///
    /// Available for the target `aarch64` with `target_os = "none"`.
    #[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
    #[inline(never)]
    pub fn read() -> Self {
        read::registers()
    }

    /// The value of a register.
    pub const fn get(&self, register: Register) -> u64 {
        self.words[register as usize]
    }

    /// The value of register number `index` of [`Register::ALL`]; 0 if the index is too large.
    #[inline(always)]
    pub(super) fn word(&self, index: usize) -> u64 {
        self.words.get(index).copied().unwrap_or(0)
    }

    /// Whether a CPU with these registers has `register`: [`Register::exists_if`].
    #[inline(always)]
    pub const fn has(&self, register: Register) -> bool {
        match register.exists_if() {
            Some((field, least)) => self.field(field) >= least,
            None => true,
        }
    }

    /// Sets the value of a register.
    pub const fn set(&mut self, register: Register, value: u64) {
        self.words[register as usize] = value;
    }

    /// The value of a field. It is sign-extended if the field is signed.
    #[inline(always)]
    pub const fn field(&self, field: &Field) -> i64 {
        field.extract(self.get(field.register))
    }

    /// Sets the value of a field. A value that does not fit is truncated to its lowest bits.
    pub const fn set_field(&mut self, field: &Field, value: i64) {
        self.set(
            field.register,
            field.insert(self.get(field.register), value),
        );
    }

    /// Merges the registers of `cpu` into these, so that software can rely on the result on all of
    /// the CPUs merged so far.
    ///
    /// Each field gets its [safe value](Field::safe_value). Bits that belong to no field are
    /// cleared, since their safe value is unknown. The order in which CPUs are merged does not
    /// matter.
    ///
    /// `MIDR_EL1` and `REVIDR_EL1` identify one CPU model. When the models differ, both become
    /// zero, which matches no model: evaluate errata with the registers of each CPU.
    pub fn merge(&mut self, cpu: &IdRegs) {
        let differ = |one: &Self, register| one.get(register) != cpu.get(register);
        let models_differ = differ(self, Register::MIDR_EL1);
        // Software that steps by the smaller of two block sizes would zero too much on the CPU with
        // the larger one, so DC ZVA is prohibited.
        let blocks_differ = self.field(&DCZID_EL0::BS) != cpu.field(&DCZID_EL0::BS);
        for &register in Register::ALL {
            // The safe value of two equal ones is this value.
            if differ(self, register) {
                self.set(register, self.safe_word(cpu, register));
            }
        }
        self.sanitise();
        if models_differ {
            self.set(Register::MIDR_EL1, 0);
            self.set(Register::REVIDR_EL1, 0);
        }
        if blocks_differ {
            self.set_field(&DCZID_EL0::DZP, 1);
        }
    }

    /// The register in which each field has its safe value.
    fn safe_word(&self, cpu: &IdRegs, register: Register) -> u64 {
        let mut word = match register {
            // A bit that both have set is an erratum that is fixed on both.
            Register::REVIDR_EL1 => self.get(register) & cpu.get(register),
            _ => 0,
        };
        for field in register.fields() {
            let value = field.safe_value(self.field(field), cpu.field(field));
            word = field.insert(word, value);
        }
        word
    }

    /// The sanitised registers of a system that consists of this CPU: bits that belong to no field
    /// are cleared.
    #[must_use]
    pub fn sanitised(mut self) -> Self {
        self.sanitise();
        self
    }

    /// The same in place.
    pub(super) fn sanitise(&mut self) {
        for (word, known) in self.words.iter_mut().zip(Register::all_known_bits()) {
            *word &= known;
        }
    }

    /// The fields in which `cpu` differs from these registers and should not.
    pub(super) fn differences<'a>(
        &'a self,
        cpu: &'a IdRegs,
    ) -> impl Iterator<Item = Difference> + use<'a> {
        let differ = |register: &&Register| self.get(**register) != cpu.get(**register);
        Register::ALL
            .iter()
            .filter(differ)
            .flat_map(|register| register.fields())
            .map(|field| Difference {
                field,
                boot: self.field(field),
                cpu: cpu.field(field),
            })
            .filter(|difference| difference.boot != difference.cpu && !difference.field.may_differ)
    }
}

/// From pairs of register and value; the other registers are zero.
impl FromIterator<(Register, u64)> for IdRegs {
    fn from_iter<I: IntoIterator<Item = (Register, u64)>>(pairs: I) -> Self {
        let mut regs = Self::new();
        for (register, value) in pairs {
            regs.set(register, value);
        }
        regs
    }
}

/// A field in which a CPU differs from the boot CPU, although the CPUs of a system should agree
/// in it.
///
/// Fields in which they [usually differ](Field::may_differ) are not reported. A difference has no
/// effect on the verdict, because the system uses the [safe](alt_cpu::Safe) value. But it may be a
/// fault of the firmware or hypervisor, and what the kernel decided by the boot CPU alone may be
/// wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The field.
    pub field: &'static Field,
    /// Its value on the boot CPU.
    pub boot: i64,
    /// Its value on this CPU.
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

/// The instructions that read the registers.
#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
mod read {
    use core::arch::asm;

    use alt_cpu::{Register, for_each_register};

    use super::IdRegs;

    /// Defines `registers`. Registers are named by their encoding, since an assembler may not know
    /// the names of newer ones.
    macro_rules! define_read {
        ($($register:ident ($op0:literal, $op1:literal, $crn:literal, $crm:literal, $op2:literal)
            $(if $if_register:ident.$if_field:ident >= $least:literal)? {
            $($fields:tt)*
        })*) => {
            /// The ID registers of this CPU.
            pub(super) fn registers() -> IdRegs {
                let mut regs = IdRegs::new();
                $({
                    let register = Register::$register;
                    if regs.has(register) {
                        let value: u64;
                        // SAFETY: the register exists, and reading it at EL1 or above has no side
                        // effect.
                        unsafe {
                            asm!(
                                concat!(
                                    "mrs {}, S", $op0, "_", $op1, "_C", $crn, "_C", $crm, "_", $op2
                                ),
                                out(reg) value,
                                options(nomem, nostack, preserves_flags),
                            );
                        }
                        let bits = const {
                            match Register::$register.is_kernel_state() {
                                true => Register::$register.known_bits(),
                                false => u64::MAX,
                            }
                        };
                        regs.set(register, value & bits);
                    }
                })*
                regs
            }
        };
    }

    for_each_register!(define_read);
}
