//! The ID registers of machines, read from files.
//!
//! [`read`] reads logs, lists and TOML files; [`builtin`] has the CPU models of QEMU.

mod builtin;
mod document;
mod error;
mod lines;

use std::fmt;

use alt_runtime::cap::IdRegs;
use alt_runtime::cap::idregs::Register;
use alt_runtime::cap::idregs::fields::{CurrentEL, HCR_EL2, ID_AA64MMFR1_EL1, ID_AA64PFR0_EL1};

pub use builtin::builtin;
pub use error::{At, IdsError};

/// A machine whose CPUs are all equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The version of QEMU, such as `10.0`, if the machine was emulated.
    pub qemu: Option<String>,
    /// The argument of QEMU's `-cpu`.
    pub cpu: Option<String>,
    /// The argument of QEMU's `-machine`.
    pub machine: Option<String>,
    /// Its ID registers; those that the file lacks are zero.
    pub ids: IdRegs,
    /// The registers that the file lacks. Features that they indicate appear to be absent.
    pub missing: Vec<Register>,
}

/// How a kernel that is started at EL2 runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum El2 {
    /// At EL2 with HCR_EL2.E2H set, if the CPU has FEAT_VHE; otherwise at EL1, as Linux does.
    Vhe,
    /// At EL2 with HCR_EL2.E2H clear, as Xen does.
    NoVhe,
}

impl Machine {
    /// The machine as a kernel reads it that is started at EL2. The CPU models of QEMU were read at
    /// EL1, on a machine without EL2.
    pub fn start_at_el2(&mut self, mode: El2) {
        let ids = &mut self.ids;
        let el2 = ids.field(&ID_AA64PFR0_EL1::EL2).max(1);
        ids.set_field(&ID_AA64PFR0_EL1::EL2, el2);
        let has_vhe = ids.field(&ID_AA64MMFR1_EL1::VH) > 0;
        let (level, e2h) = match mode {
            El2::Vhe if has_vhe => (2, 1),
            El2::Vhe => (1, 0),
            El2::NoVhe => (2, 0),
        };
        ids.set_field(&CurrentEL::EL, level);
        ids.set_field(&HCR_EL2::E2H, e2h);
    }
}

/// In the syntax of [`builtin`]: `cortex-a76@10.0`, `max/mte=on@10.0`.
impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cpu.as_deref().unwrap_or("a CPU of no name"))?;
        if let Some(options) = self.machine.as_deref().and_then(builtin::short) {
            write!(f, "/{options}")?;
        }
        match &self.qemu {
            Some(qemu) => write!(f, "@{qemu}"),
            None => Ok(()),
        }
    }
}

/// The machines of a file, in its order. `name` is the name of the file in messages.
///
/// The text may have one of three forms:
///
/// * a saved log with lines `… idreg NAME=0x…`, as kernel-demo writes; text before `idreg` and after
///   the number is ignored, and so are all other lines;
/// * lines `NAME=0x…`, empty lines and comments after `#`;
/// * TOML: a list of `[[machine]]` with the registers as `NAME = "0x…"`, and with `qemu`, `cpu`
///   and `machine` for an emulator; or, for one machine, the same keys at the top level.
///
/// Registers have their architectural names, such as `ID_AA64ISAR0_EL1`.
///
/// # Errors
/// [`IdsError`], with the line: an unknown register, a bad number, a register given twice, or a
/// text without registers.
pub fn read(name: &str, text: &str) -> Result<Vec<Machine>, IdsError> {
    match lines::read(name, text)? {
        Some(machine) => Ok(vec![machine]),
        None => document::read(name, text),
    }
}

/// A builder of machines.
#[derive(Default)]
struct Registers {
    given: Vec<(Register, u64)>,
}

impl Registers {
    /// Adds a register of the file.
    ///
    /// `at` is called only for an error, because it searches the text for the line.
    fn add(&mut self, at: impl Fn() -> At, name: &str, number: &str) -> Result<(), IdsError> {
        let Some(register) = Register::from_name(name) else {
            let (at, name) = (at(), name.to_owned());
            return Err(IdsError::UnknownRegister { at, name });
        };
        let digits = number.strip_prefix("0x").filter(|digits| {
            // `from_str_radix` also accepts a sign.
            !digits.starts_with(['+', '-'])
        });
        let Some(value) = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()) else {
            let number = number.to_owned();
            return Err(IdsError::BadNumber {
                at: at(),
                register,
                number,
            });
        };
        if self.given.iter().any(|(other, _)| *other == register) {
            return Err(IdsError::Duplicate {
                at: at(),
                name: register.name().to_owned(),
            });
        }
        self.given.push((register, value));
        Ok(())
    }

    /// The machine, without a name; `None` if it has no register.
    fn machine(self) -> Option<Machine> {
        let is_given = |register| self.given.iter().any(|(other, _)| *other == register);
        let all = Register::ALL.iter().copied();
        let missing = all.filter(|register| !is_given(*register)).collect();
        (!self.given.is_empty()).then(|| Machine {
            qemu: None,
            cpu: None,
            machine: None,
            missing,
            ids: self.given.iter().copied().collect(),
        })
    }
}
