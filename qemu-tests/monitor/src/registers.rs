//! System registers by name.

/// Reads a system register.
macro_rules! read {
    ($name:literal) => {{
        let value: u64;
        // SAFETY: reading these registers has no side effect.
        unsafe {
            core::arch::asm!(
                concat!("mrs {}, ", $name),
                out(reg) value,
                options(nomem, nostack, preserves_flags),
            );
        }
        value
    }};
}

/// Writes a system register that belongs to the guest or governs it.
macro_rules! write {
    ($name:literal, $value:expr) => {{
        let value: u64 = $value;
        // SAFETY: the registers that are written so act on EL1 and EL0, not on the monitor.
        unsafe {
            core::arch::asm!(
                concat!("msr ", $name, ", {}"),
                in(reg) value,
                options(nostack, preserves_flags),
            );
        }
    }};
}

/// An instruction without operands that does not change the monitor's state: a barrier, or an
/// invalidation of a cache or TLB.
macro_rules! execute {
    ($insn:literal) => {
        // SAFETY: as above.
        unsafe { core::arch::asm!($insn, options(nostack, preserves_flags)) }
    };
}

pub(crate) use {execute, read, write};
