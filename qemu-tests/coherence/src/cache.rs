//! The cache properties of a system, from CTR_EL0.

/// The cache properties that decide which maintenance is needed (Arm ARM D24.2.34).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Smallest data cache line, in bytes.
    pub data_line: u64,
    /// Smallest instruction cache line, in bytes.
    pub instruction_line: u64,
    /// Whether written data must be cleaned: IDC is 0.
    pub needs_clean: bool,
    /// Whether the instruction cache must be invalidated: DIC is 0.
    pub needs_invalidate: bool,
    /// Whether an invalidation by address is only certain to affect lines that were fetched by the
    /// same virtual address: L1Ip is not PIPT.
    pub is_virtually_indexed: bool,
}

impl Cache {
    /// The caches of a CPU with this CTR_EL0.
    pub fn new(ctr: u64) -> Self {
        const PIPT: u64 = 0b11;
        let line = |shift: u32| 4 << (ctr >> shift & 0xf);
        Self {
            data_line: line(16),
            instruction_line: line(0),
            needs_clean: ctr >> 28 & 1 == 0,
            needs_invalidate: ctr >> 29 & 1 == 0,
            is_virtually_indexed: ctr >> 14 & 3 != PIPT,
        }
    }

    /// The requirements of both: the smaller lines, and every step that one of them needs.
    #[must_use]
    pub fn meet(self, other: Self) -> Self {
        Self {
            data_line: self.data_line.min(other.data_line),
            instruction_line: self.instruction_line.min(other.instruction_line),
            needs_clean: self.needs_clean || other.needs_clean,
            needs_invalidate: self.needs_invalidate || other.needs_invalidate,
            is_virtually_indexed: self.is_virtually_indexed || other.is_virtually_indexed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The fields of these CPUs, from their manuals.
    #[test]
    fn fields_are_those_of_the_manuals() {
        let a53 = Cache::new(0x8444_8004);
        assert_eq!((a53.data_line, a53.instruction_line), (64, 64));
        assert!(a53.needs_clean && a53.needs_invalidate && a53.is_virtually_indexed);
        let a76 = Cache::new(0x8444_c004);
        assert!(a76.needs_clean && a76.needs_invalidate && !a76.is_virtually_indexed);
        let v1 = Cache::new(0xb444_c004);
        assert!(!v1.needs_clean && !v1.needs_invalidate);
        let a710 = Cache::new(0x9444_c004);
        assert!(!a710.needs_clean && a710.needs_invalidate);
        assert_eq!(Cache::new(0x8666_8006).data_line, 256);
    }

    #[test]
    fn meet_asks_for_every_step_and_the_smaller_line() {
        let (v1, a64fx) = (Cache::new(0xb444_c004), Cache::new(0x8666_8006));
        let both = Cache {
            data_line: 64,
            instruction_line: 64,
            needs_clean: true,
            needs_invalidate: true,
            is_virtually_indexed: true,
        };
        assert_eq!(v1.meet(a64fx), both);
        assert_eq!(a64fx.meet(v1), both);
    }
}
