//! The ID registers of one CPU, as values.

use alt_cpu::{Field, Register};

/// The ID registers of one CPU (or of the system, sanitised) at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdRegs {
    words: [u64; Register::COUNT],
}

impl IdRegs {
    /// All zero: a CPU of no known maker without any feature.
    pub const fn new() -> Self {
        Self {
            words: [0; Register::COUNT],
        }
    }

    /// The value of a register.
    pub const fn get(&self, register: Register) -> u64 {
        self.words[register as usize]
    }

    /// Whether the CPU with these registers has `register`; see
    /// [`Register::exists_if`].
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

    /// The value of a field, sign-extended if the field is signed.
    pub const fn field(&self, field: &Field) -> i64 {
        field.extract(self.get(field.register))
    }

    /// Sets the value of a field; of a value that does not fit, the lowest bits.
    pub const fn set_field(&mut self, field: &Field, value: i64) {
        self.set(
            field.register,
            field.insert(self.get(field.register), value),
        );
    }
}

/// From `(register, value)` pairs; registers that are not given are zero.
impl FromIterator<(Register, u64)> for IdRegs {
    fn from_iter<I: IntoIterator<Item = (Register, u64)>>(pairs: I) -> Self {
        let mut regs = Self::new();
        for (register, value) in pairs {
            regs.set(register, value);
        }
        regs
    }
}
