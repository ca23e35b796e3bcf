//! Systems of unequal CPUs: QEMU cannot emulate them, so the monitor emulates their ID registers.
//!
//! Most are a Cortex-A76 by nature; its registers are those of `linker/image/cpus/qemu.toml`, and
//! each test changes a field or two. The kernel reads them as on such hardware, without overrides
//! on its command line.

use alt_cpu::Register;
use qemu_tests::observe::Monitor;
use qemu_tests::{Launch, Machine, MonitoredRun, Profile, Status, facts, mutants};

use crate::clean::check;
use crate::{Result, kernel, qemu};

const ISAR0: u64 = 0x1000_1021_1120;
/// ID_AA64ISAR0_EL1.Atomic
const LSE: u64 = 2 << 20;
const PFR0: u64 = 0x1100_0000_1111_0012;
/// ID_AA64PFR0_EL1.GIC
const GIC: u64 = 1 << 24;
const MMFR1: u64 = 0x1021_2122;
/// ID_AA64MMFR1_EL1.HAFDBS
const HAFDBS: u64 = 2;
/// ID_AA64MMFR1_EL1.VH
const VH: u64 = 1 << 8;
/// 64-byte lines, neither IDC nor DIC.
const CTR: u64 = 0x8444_c004;
/// 256-byte lines.
const LONG_LINES: u64 = 0x8446_c006;
const IDC: u64 = 1 << 28;
/// Cortex-A77 r1p0: barriers around reads of PAR_EL1.
const A77_R1P0: u64 = 0x411f_d0d0;
/// Cortex-A53 r0p0: to clean is to clean and invalidate.
const A53_R0P0: u64 = 0x410f_d030;

type Test = fn() -> Result<()>;

pub const ALL: [(&str, Test); 15] = [
    ("system_caps_are_the_meet", meet),
    ("local_erratum_of_any_cpu_counts", erratum),
    ("late_cpu_with_less_is_parked", late_without_lse),
    ("late_cpu_with_more_is_let_in", late_with_lse),
    ("late_cpu_without_a_weak_cap_is_let_in", late_without_hafdbs),
    ("late_cpu_without_a_boot_cap_is_parked", late_without_lpa2),
    ("late_cpu_that_signs_otherwise_is_parked", late_signing),
    (
        "late_cpu_without_a_strict_cap_stops_the_kernel",
        late_without_gic,
    ),
    (
        "late_cpu_with_another_strict_cap_stops_the_kernel",
        late_with_vhe,
    ),
    (
        "late_cpu_with_shorter_lines_is_parked",
        late_with_short_lines,
    ),
    ("late_cpu_without_idc_is_parked", late_without_idc),
    ("late_cpu_with_an_erratum_of_its_caches_is_parked", late_a53),
    ("shorter_lines_elsewhere", || lines(LONG_LINES, CTR)),
    ("longer_lines_elsewhere", || lines(CTR, LONG_LINES)),
    ("idc_on_the_boot_cpu_only", idc),
];

/// Four CPUs: 0 boots, 1 and 2 are early, 3 is late.
fn run(monitor: Monitor) -> Result<MonitoredRun> {
    run_on("cortex-a76", monitor)
}

fn run_on(cpu: &str, monitor: Monitor) -> Result<MonitoredRun> {
    let image = kernel(Profile::Release)?;
    let launch = Launch::new(&image, Machine::new(cpu).smp(4));
    Ok(launch.under_monitor(monitor).run(qemu()?)?)
}

fn must_say(run: &MonitoredRun, texts: &[&str]) -> Result<()> {
    for text in texts {
        if !run.log.iter().any(|line| line.message.contains(text)) {
            return Err(format!("no `{text}` in {:#?}", run.log).into());
        }
    }
    Ok(())
}

/// (sites, patched) of a cpucap.
fn count(run: &MonitoredRun, cap: &str) -> Result<(u32, u32)> {
    let counts = facts::read(&run.log).find_map(|fact| match fact {
        facts::Fact::Count {
            name,
            sites,
            patched,
        } if name == cap => Some((sites, patched)),
        _ => None,
    });
    counts.ok_or_else(|| format!("no site of {cap}: {:#?}", run.log).into())
}

fn must_count(run: &MonitoredRun, cap: &str, all: bool) -> Result<()> {
    match count(run, cap)? {
        (sites, patched) if sites != 0 && patched == if all { sites } else { 0 } => Ok(()),
        other => Err(format!("{cap}: (sites, patched) are {other:?}").into()),
    }
}

fn meet() -> Result<()> {
    let equal = run(Monitor::new())?;
    check(&equal)?;
    must_count(&equal, "LSE", true)?;
    let lacks = Monitor::new().register(2, Register::ID_AA64ISAR0_EL1, ISAR0 - LSE);
    let unequal = run(lacks)?;
    check(&unequal)?;
    must_say(&unequal, &["CPU 2 (early) is online"])?;
    must_count(&unequal, "LSE", false)?;
    must_count(&unequal, "CRC32", true)
}

fn erratum() -> Result<()> {
    // Of Cortex-A77, whose barriers Cortex-A76 does without.
    must_count(&run(Monitor::new())?, "A77_1508412", false)?;
    let run = run(Monitor::new().register(1, Register::MIDR_EL1, A77_R1P0))?;
    check(&run)?;
    must_count(&run, "A77_1508412", true)
}

fn late(register: Register, value: u64) -> Result<MonitoredRun> {
    run(Monitor::new().register(3, register, value))
}

fn late_without_lse() -> Result<()> {
    let run = late(Register::ID_AA64ISAR0_EL1, ISAR0 - LSE)?;
    check(&run)?;
    let text = "CPU 3 (late) is kept out: the system relies on cpucap LSE, which this CPU lacks";
    must_say(&run, &[text])
}

fn late_with_lse() -> Result<()> {
    let without =
        |monitor: Monitor, cpu| monitor.register(cpu, Register::ID_AA64ISAR0_EL1, ISAR0 - LSE);
    let run = run((0..3).fold(Monitor::new(), without))?;
    check(&run)?;
    must_say(&run, &["CPU 3 (late) is online"])?;
    must_count(&run, "LSE", false)
}

fn late_without_hafdbs() -> Result<()> {
    let run = late(Register::ID_AA64MMFR1_EL1, MMFR1 - HAFDBS)?;
    check(&run)?;
    must_say(&run, &["CPU 3 (late) is online"])
}

/// CPU 3 of a `max` whose other CPUs are unchanged. The registers of that model depend on the
/// version of QEMU, so they are taken from the kernel's log.
fn late_max(register: Register, change: fn(u64) -> u64) -> Result<MonitoredRun> {
    let image = kernel(Profile::Release)?;
    let alone = Launch::new(&image, Machine::new("max")).run(qemu()?)?;
    let value = facts::read(&alone.log).find_map(|fact| match fact {
        facts::Fact::IdReg { name, value } if name == register.name() => Some(value),
        _ => None,
    });
    let value = value.ok_or_else(|| format!("no {register} in {:#?}", alone.log))?;
    run_on("max", Monitor::new().register(3, register, change(value)))
}

fn late_without_lpa2() -> Result<()> {
    // TGran4 is 0: pages of 4 KiB, with 48 bits of address.
    let run = late_max(Register::ID_AA64MMFR0_EL1, |word| word & !(0xf << 28))?;
    check(&run)?;
    let text = "CPU 3 (late) is kept out: the system relies on cpucap VA52, which this CPU lacks";
    must_say(&run, &[text])
}

fn late_signing() -> Result<()> {
    // APA and API: by QARMA5 or by an algorithm of the maker's, of which a CPU has one.
    let exchanged = |word| word & !0xff0 | (word & 0xf0) << 4 | (word & 0xf00) >> 4;
    let run = late_max(Register::ID_AA64ISAR1_EL1, exchanged)?;
    check(&run)?;
    let text = "CPU 3 (late) is kept out: this CPU has cpucap ADDRESS_AUTH by another value";
    must_say(&run, &[text])
}

/// The kernel has stopped for this reason.
fn must_stop(run: &MonitoredRun, reason: &str) -> Result<()> {
    match run.outcome.map(|outcome| outcome.status) {
        Some(Status::Failed) => must_say(run, &[reason]),
        _ => Err(format!("{:#?}", run.log).into()),
    }
}

fn late_without_gic() -> Result<()> {
    let run = late(Register::ID_AA64PFR0_EL1, PFR0 - GIC)?;
    let reason = "CPU 3 (late): the system relies on cpucap GIC_SYSREGS";
    must_stop(&run, reason)
}

fn late_with_vhe() -> Result<()> {
    let without =
        |monitor: Monitor, cpu| monitor.register(cpu, Register::ID_AA64MMFR1_EL1, MMFR1 - VH);
    let run = run((0..3).fold(Monitor::new(), without))?;
    let reason = "CPU 3 (late): this CPU has cpucap HVHE, for which the system is not prepared";
    must_stop(&run, reason)
}

fn late_with_short_lines() -> Result<()> {
    let long = |monitor: Monitor, cpu| monitor.register(cpu, Register::CTR_EL0, LONG_LINES);
    let run = run((0..3).fold(Monitor::new(), long))?;
    check(&run)?;
    let text = "CPU 3 (late) is kept out: cache maintenance after writing code is insufficient \
                for this CPU: \
                CTR_EL0.DminLine=4, the system assumes 6";
    must_say(&run, &[text])
}

fn late_without_idc() -> Result<()> {
    let with = |monitor: Monitor, cpu| monitor.register(cpu, Register::CTR_EL0, CTR | IDC);
    let run = run((0..3).fold(Monitor::new(), with))?;
    check(&run)?;
    let text = "CPU 3 (late) is kept out: the system relies on cpucap IDC, which this CPU lacks";
    must_say(&run, &[text])
}

/// An erratum that CTR_EL0 does not show. By its name the CPU has others, of no concern here,
/// that would park it as well; so the kernel may give any of these reasons.
fn late_a53() -> Result<()> {
    let run = late(Register::MIDR_EL1, A53_R0P0)?;
    check(&run)?;
    must_say(&run, &["CPU 3 (late) is kept out: this CPU has cpucap A53"])
}

fn lines(boot: u64, others: u64) -> Result<()> {
    let monitor = (1..4).fold(
        Monitor::new().register(0, Register::CTR_EL0, boot),
        |monitor, cpu| monitor.register(cpu, Register::CTR_EL0, others),
    );
    check(&run(monitor)?)
}

fn idc() -> Result<()> {
    let image = kernel(Profile::Release)?;
    let launch = Launch::new(&image, Machine::new("cortex-a53").smp(2));
    check(
        &launch
            .under_monitor(mutants::unequal_caches())
            .run(qemu()?)?,
    )
}
