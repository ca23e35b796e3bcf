//! The A64 instructions that the monitor decodes: the size of stores, and exclusives.

/// The bytes that a store writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// At most this number of bytes, from its lowest address.
    Bytes(u64),
    /// The block of DC ZVA that the address is in.
    ZeroBlock,
}

/// The bytes that a store writes; `None` if that depends on more than the instruction (memory copy
/// and set of FEAT_MOPS, SVE), or the instruction is not a known store.
pub const fn store_size(insn: u32) -> Option<Size> {
    let size = insn >> 30;
    // DC ZVA.
    if insn & 0xffff_ffe0 == 0xd50b_7420 {
        return Some(Size::ZeroBlock);
    }
    // STP and similar: op0 = x01 01 0xx.
    if insn & 0x3a00_0000 == 0x2800_0000 {
        let vector = insn & 1 << 26 != 0;
        let log2 = match (vector, size) {
            (true, opc) => 2 + opc,
            (false, 2) => 3,
            (false, _) => 2,
        };
        return Some(Size::Bytes(2 << log2));
    }
    // Exclusives, ordered, compare and swap: op0 = xx 00 100 0.
    if insn & 0x3f00_0000 == 0x0800_0000 {
        let ordered = insn & 1 << 23 != 0;
        let o1 = insn & 1 << 21 != 0;
        return Some(Size::Bytes(match (ordered, o1) {
            // STXP, and CASP, in which bit 31 is 0.
            (false, true) => 2 << (2 + (size & 1)),
            _ => 1 << size,
        }));
    }
    // Single registers and atomics: op0 = xx 11 1x 0x.
    if insn & 0x3a00_0000 == 0x3800_0000 {
        let vector = insn & 1 << 26 != 0;
        let wide = vector && insn & 1 << 23 != 0;
        return Some(Size::Bytes(if wide { 16 } else { 1 << size }));
    }
    // Structures of up to four vectors: op0 = 0x 00 110.
    if insn & 0xbe00_0000 == 0x0c00_0000 {
        return Some(Size::Bytes(64));
    }
    None
}

/// An instruction of the exclusive monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclusive {
    /// LDXR, LDAXR, LDXP, LDAXP.
    Load(Access),
    /// STXR, STLXR, STXP, STLXP, and the register of the result.
    Store(Access, u32),
    /// CLREX.
    Clear,
}

/// The operands of an exclusive. Register 31 is the stack pointer as a base, otherwise zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Log2 of the bytes of one register.
    pub log2: u32,
    /// Two registers.
    pub pair: bool,
    /// The first.
    pub rt: u32,
    /// The second.
    pub rt2: u32,
    /// The base.
    pub rn: u32,
}

impl Exclusive {
    /// Decodes an instruction of the exclusive monitor (Arm ARM C4.1, "Load/store exclusive").
    pub const fn decode(insn: u32) -> Option<Self> {
        if insn & 0xffff_f0ff == 0xd503_305f {
            return Some(Self::Clear);
        }
        let pair = insn & 1 << 21 != 0;
        // With bit 21 and without bit 31 it is CASP.
        if insn & 0x3f80_0000 != 0x0800_0000 || pair && insn & 1 << 31 == 0 {
            return None;
        }
        let access = Access {
            log2: insn >> 30,
            pair,
            rt: insn & 0x1f,
            rt2: insn >> 10 & 0x1f,
            rn: insn >> 5 & 0x1f,
        };
        Some(match insn & 1 << 22 {
            0 => Self::Store(access, insn >> 16 & 0x1f),
            _ => Self::Load(access),
        })
    }
}

/// Whether it is YIELD, WFE or WFI: the CPU waits for another one.
pub const fn is_wait(insn: u32) -> bool {
    matches!(insn, 0xd503_203f | 0xd503_205f | 0xd503_207f)
}
