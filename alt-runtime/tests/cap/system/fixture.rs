//! Small tables of cpucaps, and CPUs for them.

use alt_runtime::cap::{
    Cap, CapInfo, CapTable, IdRegs, LatePolicy, Rule, Scope,
    idregs::{Register, fields},
};

/// A CPU with this register; the others are 0.
pub fn one(register: Register, word: u64) -> IdRegs {
    [(register, word)].into_iter().collect()
}

pub const A: Cap = Cap::new(0, true);
pub const B: Cap = Cap::new(1, true);
pub const C: Cap = Cap::new(2, true);

/// A cap that is present where the CRC32 (A), SHA1 (B), AES (C) field is not zero.
pub const fn info(cap: Cap, scope: Scope, late: LatePolicy) -> CapInfo {
    CapInfo {
        scope,
        rule: Rule::Field {
            field: match cap.number() {
                0 => &fields::ID_AA64ISAR0_EL1::CRC32,
                1 => &fields::ID_AA64ISAR0_EL1::SHA1,
                _ => &fields::ID_AA64ISAR0_EL1::AES,
            },
            min: 1,
            max: 15,
        },
        late,
        ..CapInfo::new(cap, ["A", "B", "C"][cap.number() as usize])
    }
}

pub fn table<const N: usize>(infos: [CapInfo; N]) -> &'static CapTable {
    let infos: &'static [CapInfo] = Box::leak(Box::new(infos));
    Box::leak(Box::new(CapTable::new(infos)))
}

/// A CPU with these caps of A, B and C.
pub fn cpu(caps: &[Cap]) -> IdRegs {
    let nibble = |cap: &Cap| [0x1_0000, 0x100, 0x10][usize::from(cap.number())];
    one(Register::ID_AA64ISAR0_EL1, caps.iter().map(nibble).sum())
}
