//! Measured ID registers of emulated machines.

use alt_runtime::cap::{IdRegs, idregs::Register};

/// One machine of `linker/image/cpus/qemu.toml`.
pub struct Machine {
    /// Version of the emulator.
    pub qemu: String,
    /// What was given to `-cpu`.
    pub cpu: String,
    /// What was given to `-machine`.
    pub machine: String,
    /// What a program at EL1 read.
    pub regs: IdRegs,
}

/// All machines.
pub fn machines() -> Vec<Machine> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../linker/image/cpus/qemu.toml"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let document: toml::Table = text.parse().unwrap();
    document["machine"]
        .as_array()
        .unwrap()
        .iter()
        .map(|machine| {
            let string = |key: &str| machine[key].as_str().unwrap().to_owned();
            let value = |name: &str| {
                u64::from_str_radix(string(name).strip_prefix("0x").unwrap(), 16).unwrap()
            };
            Machine {
                qemu: string("qemu"),
                cpu: string("cpu"),
                machine: string("machine"),
                regs: Register::ALL
                    .iter()
                    .map(|&register| (register, value(register.name())))
                    .collect(),
            }
        })
        .collect()
}
