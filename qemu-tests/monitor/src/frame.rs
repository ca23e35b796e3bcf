//! The guest's registers.

/// The guest's registers while the monitor has the CPU.
#[repr(C, align(16))]
pub struct Frame {
    /// X0 to X30.
    pub x: [u64; 31],
    /// The address at which it continues.
    pub elr: u64,
    /// Its PSTATE.
    pub spsr: u64,
    fpcr: u64,
    fpsr: u64,
    _room: u64,
    q: [u128; 32],
}

const _: () = assert!(core::mem::offset_of!(Frame, q) == 288 && size_of::<Frame>() == 800);

impl Frame {
    /// A guest that enters EL1 at `pc` with interrupts masked, as from reset.
    pub fn new(pc: u64, x0: u64) -> Self {
        let mut x = [0; 31];
        x[0] = x0;
        Self {
            x,
            elr: pc,
            spsr: 0x3c5,
            fpcr: 0,
            fpsr: 0,
            _room: 0,
            q: [0; 32],
        }
    }

    /// Register number `n`; register 31 reads as zero.
    pub fn get(&self, n: u32) -> u64 {
        self.x.get(n as usize).copied().unwrap_or(0)
    }

    /// Sets register number `n`; a write to 31 is ignored.
    pub fn set(&mut self, n: u32, value: u64) {
        if let Some(register) = self.x.get_mut(n as usize) {
            *register = value;
        }
    }

    /// Continues after the trapped instruction.
    pub fn skip(&mut self) {
        self.elr += 4;
    }
}
