//! Prepares a CPU, and enters the guest on it.

use el2_monitor::layout::{self, Reason};
use el2_monitor::words::Caches;

use crate::config::{config, override_of, overrides};
use crate::frame::Frame;
use crate::idregs;
use crate::registers::{execute, read, write};
use crate::state::{self, Cpu, State};

// HCR_EL2 (Arm ARM D24.2.51).
const VM: u64 = 1 << 0;
const TID1: u64 = 1 << 16;
const TID2: u64 = 1 << 17;
const TID3: u64 = 1 << 18;
const TSC: u64 = 1 << 19;
const TSW: u64 = 1 << 22;
const TPCP: u64 = 1 << 23;
const TPU: u64 = 1 << 24;
const RW: u64 = 1 << 31;
const APK: u64 = 1 << 40;
const API: u64 = 1 << 41;
const ATA: u64 = 1 << 56;

/// Prepares the CPU that executes this; the guest enters by the frame.
pub fn start(cpu: usize) -> Result<Frame, Reason> {
    let config = config()?;
    let mut state = state::lock();
    let state: &mut State = &mut state;
    if !state.cpus.iter().any(|cpu| cpu.online) {
        let count = config.text_count as usize;
        for &[start, end] in &config.texts[..count] {
            state.watch_text(start, end)?;
        }
        state.cpus[cpu].entry = [config.entry, config.argument];
    }
    let entry = state.cpus[cpu].entry;
    let ctr = override_of(cpu, layout::CTR_EL0).unwrap_or(read!("ctr_el0"));
    state.cpus[cpu] = Cpu {
        online: true,
        caches: Caches::new(ctr),
        entry,
        ..Cpu::OFF
    };
    state.build_tables(cpu)?;
    configure(cpu);
    state.stage2.activate(cpu);
    let [pc, x0] = entry;
    Ok(Frame::new(pc, x0))
}

/// Traps the operations that the monitor observes, and permits those that a kernel at EL1 can do without a
/// hypervisor.
fn configure(cpu: usize) {
    let mut hcr = VM | TSC | TSW | TPCP | TPU | RW | APK | API | ATA;
    for entry in overrides(cpu) {
        hcr |= match entry.register {
            layout::MIDR_EL1 => 0,
            layout::REVIDR_EL1 => TID1,
            register if register >> 11 & 7 != 0 => TID2,
            _ => TID3,
        };
    }
    write!("hcr_el2", hcr);
    write!(
        "vpidr_el2",
        override_of(cpu, layout::MIDR_EL1).unwrap_or(read!("midr_el1"))
    );
    write!("vmpidr_el2", read!("mpidr_el1"));
    write!("hstr_el2", 0);
    write!("cnthctl_el2", 3);
    write!("cntvoff_el2", 0);
    // All counters are the guest's.
    write!("mdcr_el2", read!("pmcr_el0") >> 11 & 0x1f);
    // Single step waits for the OS lock to be open (Arm ARM D2.5).
    write!("oslar_el1", 0);
    write!("mdscr_el1", 0);

    let features = |crm, op2| idregs::native(layout::register(3, 0, 0, crm, op2));
    let pfr0 = features(4, 0);
    if pfr0 >> 24 & 0xf != 0 {
        // ICC_SRE_EL2: EL1 can access the GIC's system registers.
        write!("S3_4_C12_C9_5", 0xf);
        execute!("isb");
        // ICH_HCR_EL2: no virtual interrupts.
        write!("S3_4_C12_C11_0", 0);
    }
    if pfr0 >> 32 & 0xf != 0 {
        // ZCR_EL2: full vectors.
        write!("S3_4_C1_C2_0", 0xf);
    }
    if features(4, 1) >> 24 & 0xf != 0 {
        // SMCR_EL2: likewise, with all instructions.
        write!("S3_4_C1_C2_6", 1 << 31 | 0xf);
    }
    if features(7, 1) >> 40 & 0xf != 0 {
        // HCRX_EL2: MSCEn, SCTLR2En and TCR2En, EnASR, EnALS and EnAS0.
        write!("S3_4_C1_C2_2", 1 << 15 | 1 << 14 | 1 << 11 | 7);
    }
    if features(7, 0) >> 56 & 0xf != 0 {
        // HFGRTR_EL2 and HFGWTR_EL2: the bits that trap while they are zero.
        write!("S3_4_C1_C1_4", 0x1f << 50);
        write!("S3_4_C1_C1_5", 0x1f << 50);
    }
    execute!("isb");
}
