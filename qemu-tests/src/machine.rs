//! The machine to emulate.

/// An emulated machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Value of `-cpu`: a model, with properties: `max,pauth=off`, `cortex-a53,midr=0x410fd030`.
    pub cpu: String,
    /// Number of CPUs; the guest starts on one and finds the others by PSCI.
    pub smp: u32,
    /// Value of `-machine`. GICv3 by default, since `virt`'s own default (GICv2) hides
    /// ID_AA64PFR0_EL1.GIC.
    pub options: String,
    /// RAM in MiB, from guest physical 0x4000_0000.
    pub memory_mib: u32,
    /// Value of `-accel`; `tcg,thread=single` for guests that change code other CPUs execute.
    pub accel: String,
    /// Further arguments, such as `-icount shift=0,sleep=off`, one word each.
    pub args: Vec<String>,
}

impl Machine {
    /// One CPU of a model on `virt,gic-version=3` with 256 MiB.
    pub fn new(cpu: impl Into<String>) -> Self {
        Self {
            cpu: cpu.into(),
            smp: 1,
            options: "virt,gic-version=3".into(),
            memory_mib: 256,
            accel: "tcg".into(),
            args: Vec::new(),
        }
    }

    /// Sets the number of CPUs.
    pub fn smp(self, smp: u32) -> Self {
        Self { smp, ..self }
    }

    /// Sets the value of `-machine`.
    pub fn options(self, options: impl Into<String>) -> Self {
        Self {
            options: options.into(),
            ..self
        }
    }

    /// Sets the value of `-accel`.
    pub fn accel(self, accel: impl Into<String>) -> Self {
        Self {
            accel: accel.into(),
            ..self
        }
    }

    /// Adds words to QEMU's command line.
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// The CPU model alone: [`Machine::cpu`] without its properties.
    pub fn model(&self) -> &str {
        self.cpu.split(',').next().unwrap_or_default()
    }

    /// QEMU's arguments for this machine.
    pub(crate) fn to_args(&self) -> Vec<String> {
        let smp = self.smp.to_string();
        let memory = format!("{}M", self.memory_mib);
        [
            ("-machine", self.options.as_str()),
            ("-cpu", &self.cpu),
            ("-smp", &smp),
            ("-m", &memory),
            ("-accel", &self.accel),
        ]
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value.to_owned()])
        .chain(self.args.iter().cloned())
        .collect()
    }
}
