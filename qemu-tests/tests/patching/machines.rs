//! The machines: every 64-bit CPU model of the installed QEMU, and variants of
//! some that differ in one feature.

use std::collections::BTreeMap;

use qemu_tests::results::{Entry, Lacking};
use qemu_tests::{Machine, Qemu};
use serde::Deserialize;

use crate::{Result, qemu};

/// ID registers by name.
pub type Registers = BTreeMap<String, u64>;

/// One machine and what is known of it without asking our code.
#[derive(Clone)]
pub struct TestMachine {
    pub cpu: String,
    pub options: String,
    pub entry: Entry,
    /// Its ID registers, if someone has read them.
    pub registers: Option<Registers>,
}

impl TestMachine {
    pub fn new(cpu: &str) -> Self {
        Self {
            cpu: cpu.into(),
            options: "virt,gic-version=3".into(),
            entry: Entry::El1,
            registers: None,
        }
    }

    /// The same, entered elsewhere.
    pub fn entered_at(&self, entry: Entry) -> Self {
        let machine = self.clone();
        Self { entry, ..machine }
    }

    /// A CPU model without switches.
    pub fn is_plain(&self) -> bool {
        !self.name().contains(',')
    }

    pub fn name(&self) -> String {
        let options = self.options.trim_start_matches("virt,gic-version=3");
        format!("{}{options}", self.cpu)
    }

    /// What `alt --cpu` calls it, if its registers were measured.
    pub fn of_alt(&self) -> Result<String> {
        let options = match self.options.strip_prefix("virt,gic-version=3") {
            Some("") => String::new(),
            Some(more) => more.replacen(',', "/", 1),
            None => format!("/{}", self.options),
        };
        Ok(format!("{}{options}@{}", self.cpu, qemu()?.version()))
    }

    /// Three CPUs: one boots, one is held during the last pass, one comes late.
    pub fn machine(&self) -> Machine {
        let options = match self.entry {
            Entry::El1 => self.options.clone(),
            Entry::El2 => format!("{},virtualization=on", self.options),
        };
        Machine::new(&self.cpu).options(options).smp(3)
    }
}

/// A table of `linker/image/cpus/qemu.toml`: registers read by a program that is not ours.
#[derive(Deserialize)]
struct Measured {
    qemu: String,
    cpu: String,
    machine: String,
    #[serde(flatten)]
    registers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct File {
    machine: Vec<Measured>,
}

/// Variants with an erratum, a fix of it, or another CPU's name.
const VARIANTS: [&str; 7] = [
    "cortex-a53,midr=0x410fd030",  // r0p0: clean-cache errata
    "cortex-a53,midr=0x410fd032",  // r0p2: the last of them
    "cortex-a76,midr=0x410fd0b1",  // r0p1: TLBI has to be repeated
    "cortex-a76,midr=0x413fd0b0",  // r3p0: the last of them
    "cortex-a76,midr=0x414fd0c1",  // a Neoverse N1 by name
    "neoverse-n1,midr=0x413fd0c0", // r3p0: DIC is not to be relied on
    "cortex-a57,midr=0x410fd070",  // r0p0
];

/// The measured machines, but for those without FP registers: code that is compiled for the
/// target uses these, so that no kernel of the workspace runs there.
fn file() -> File {
    let text = include_str!("../../../linker/image/cpus/qemu.toml");
    let mut file: File = toml::from_str(text).expect("valid TOML");
    file.machine
        .retain(|measured| !measured.cpu.contains("vfp=off"));
    file
}

/// The machines of other versions that the installed QEMU cannot be, and why.
pub fn lacking() -> Vec<Lacking> {
    let Ok(qemu) = Qemu::find() else {
        return Vec::new();
    };
    let here = all();
    let mut lacking = BTreeMap::new();
    for measured in file().machine {
        let machine = TestMachine {
            options: measured.machine,
            ..TestMachine::new(&measured.cpu)
        };
        let name = machine.name();
        if here.iter().any(|other| other.name() == name) {
            continue;
        }
        let (version, other) = (qemu.version(), measured.qemu);
        let model = machine.machine().model().to_owned();
        let reason = match qemu.has_cpu(&model) {
            true => format!("known of QEMU {other}, not of QEMU {version}"),
            false => format!("QEMU {version} has no {model}; QEMU {other} has"),
        };
        lacking.insert(name, reason);
    }
    let lacking = lacking.into_iter();
    lacking
        .map(|(machine, reason)| Lacking { machine, reason })
        .collect()
}

/// The machines that the installed QEMU can be; without one, those of QEMU 7.2,
/// so that the tests have names and fail for the right reason.
pub fn all() -> Vec<TestMachine> {
    let qemu = Qemu::find().ok();
    let file = file();
    let version = qemu.as_ref().map(|qemu| qemu.version().to_string());
    let is_measured = file
        .machine
        .iter()
        .any(|row| Some(&row.qemu) == version.as_ref());
    // Another version has these machines as well, but may report other features: then
    // only its own word counts.
    let rows = version
        .filter(|_| is_measured)
        .unwrap_or_else(|| "7.2".into());
    let mut machines: Vec<TestMachine> = file
        .machine
        .into_iter()
        .filter(|measured| measured.qemu == rows)
        .map(|measured| TestMachine {
            cpu: measured.cpu,
            options: measured.machine,
            entry: Entry::El1,
            registers: is_measured.then(|| {
                let registers = measured.registers.iter();
                registers
                    .map(|(name, hex)| (name.clone(), number(hex)))
                    .collect()
            }),
        })
        .collect();
    machines.extend(VARIANTS.map(TestMachine::new));
    if let Some(qemu) = qemu {
        machines.retain(|machine| qemu.has_cpu(machine.machine().model()));
        let unmeasured = qemu.cpus().iter().filter(|cpu| is_64_bit(cpu));
        let unmeasured = unmeasured.filter(|cpu| !machines.iter().any(|m| m.cpu == **cpu));
        let more: Vec<_> = unmeasured.map(|cpu| TestMachine::new(cpu)).collect();
        machines.extend(more);
    }
    machines
}

fn number(hex: &str) -> u64 {
    u64::from_str_radix(hex.trim_start_matches("0x"), 16).expect("a hexadecimal number")
}

/// `-cpu help` lists 32-bit models as well, and `host`, which needs KVM.
fn is_64_bit(cpu: &str) -> bool {
    let cortex = cpu
        .strip_prefix("cortex-a")
        .and_then(|n| n.trim_end_matches("ae").parse().ok());
    cortex.is_some_and(|n: u32| n >= 34)
        || cpu.starts_with("neoverse")
        || ["a64fx", "max"].contains(&cpu)
}

/// The models that the issue of this test names are among them.
pub fn all_models_are_known() -> Result<()> {
    let qemu = qemu()?;
    let machines = all();
    for cpu in [
        "cortex-a35",
        "cortex-a53",
        "cortex-a57",
        "cortex-a72",
        "cortex-a76",
        "a64fx",
        "neoverse-n1",
        "max",
        "max,pauth=off",
        "max,sve=off",
        "max,sme=off",
        "max,lpa2=off",
    ] {
        if !machines.iter().any(|machine| machine.cpu == cpu) {
            return Err(format!("{cpu} is not tested on QEMU {}", qemu.version()).into());
        }
    }
    Ok(())
}
