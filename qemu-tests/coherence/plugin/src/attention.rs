//! The CPUs whose every instruction is observed.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether every instruction of a CPU is observed; readable without a lock.
pub struct Attention(Vec<AtomicBool>);

impl Attention {
    /// All CPUs are observed until they have executed their first instruction.
    pub fn new(cpus: usize) -> Self {
        Self((0..cpus).map(|_| AtomicBool::new(true)).collect())
    }

    pub fn get(&self, cpu: u32) -> bool {
        let cpu = self.0.get(cpu as usize);
        cpu.is_some_and(|attention| attention.load(Ordering::Relaxed))
    }

    pub fn set(&self, cpu: u32, attention: bool) {
        if let Some(cpu) = self.0.get(cpu as usize) {
            cpu.store(attention, Ordering::Relaxed);
        }
    }
}
