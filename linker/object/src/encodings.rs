//! Groups of A64 instructions (Arm ARM DDI 0487, C4.1).

/// All loads and stores: bits 28 to 25 are x1x0.
pub fn is_load_store(word: u32) -> bool {
    word & 0x0a00_0000 == 0x0800_0000
}

/// PRFM by literal, scaled and register offset, PRFUM, and RPRFM: they write no register.
pub fn is_prefetch(word: u32) -> bool {
    word & 0xff00_0000 == 0xd800_0000
        || word & 0xffc0_0000 == 0xf980_0000
        || word & 0xffe0_0c00 == 0xf8a0_0800
        || word & 0xffe0_0c00 == 0xf880_0000
}

/// Load/store register (unsigned immediate), general or SIMD&FP.
pub fn is_load_store_unsigned(word: u32) -> bool {
    word & 0x3b00_0000 == 0x3900_0000
}

/// Load/store pair with L = 1: LDP, LDNP, LDPSW.
pub fn is_load_pair(word: u32) -> bool {
    word & 0x3a40_0000 == 0x2840_0000
}

/// LDXR, STXR and similar: load/store exclusive register, and pair.
fn is_exclusive(word: u32) -> bool {
    let single = word & 0x3fa0_0000 == 0x0800_0000;
    // With bit 31 clear, the encoding is CASP.
    let pair = word & 0xbfa0_0000 == 0x8820_0000;
    single || pair
}

/// LDXR, LDAXR, LDXP, LDAXP and the forms for bytes and halfwords.
pub fn is_load_exclusive(word: u32) -> bool {
    is_exclusive(word) && word & 1 << 22 != 0
}

/// STXR, STLXR, STXP, STLXP and the forms for bytes and halfwords.
pub fn is_store_exclusive(word: u32) -> bool {
    is_exclusive(word) && word & 1 << 22 == 0
}

/// CLREX.
pub fn is_clear_exclusive(word: u32) -> bool {
    word & 0xffff_f0ff == 0xd503_305f
}

/// SVC, HVC, SMC, BRK, HLT, DCPS: exception generation.
pub fn is_exception(word: u32) -> bool {
    word & 0xff00_0000 == 0xd400_0000
}

/// BR, BLR, RET, ERET and their authenticating forms.
pub fn is_indirect_branch(word: u32) -> bool {
    word & 0xfe00_0000 == 0xd600_0000
}

/// BR, BLR and their authenticating forms (Arm ARM C4.1, "Unconditional branch (register)"), but
/// not RET.
pub fn is_branch_to_register(word: u32) -> bool {
    is_indirect_branch(word) && matches!((word >> 21) & 7, 0 | 1)
}

/// B and BL.
pub fn is_direct_branch(word: u32) -> bool {
    word & 0x7c00_0000 == 0x1400_0000
}

/// BL, BLR and the authenticating forms of BLR.
pub fn is_call(word: u32) -> bool {
    word & 0xfc00_0000 == 0x9400_0000 || word & 0xfeff_f000 == 0xd63f_0000
}

/// SYS: DC, IC, AT, TLBI and similar. DC ZVA writes memory.
pub fn is_system_operation(word: u32) -> bool {
    word & 0xfff8_0000 == 0xd508_0000
}

/// Whether execution can fall through an instruction: not after B, BR, RET, ERET and similar, BRK,
/// UDF, and the NOPs and zeros between functions. A call at the end of a function does not return.
pub fn goes_on(word: u32) -> bool {
    let breaks = word & 0xffe0_001f == 0xd420_0000;
    let undefined = word & 0xffff_0000 == 0;
    let nop = word == alt_runtime::Insn::NOP.0;
    !(is_direct_branch(word) || is_indirect_branch(word) || breaks || undefined || nop)
}

/// ADRP.
pub fn is_adrp(word: u32) -> bool {
    word & 0x9f00_0000 == 0x9000_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words by GNU as 2.40.
    #[test]
    fn exclusives_are_told_from_their_neighbours() {
        let loads = [
            0x885f_7c20,
            0xc85f_fc20,
            0x085f_7c20,
            0xc87f_0440,
            0xc87f_8440,
        ];
        let stores = [
            0x8802_7c20,
            0xc802_fc20,
            0x0802_7c20,
            0xc823_0440,
            0xc823_8440,
        ];
        // ldar, stlr, cas, casal, casp, ldr, str, ldapr, stllr
        let others = [
            0xc8df_fc20,
            0xc89f_fc20,
            0xc8a0_7c41,
            0xc8e0_fc41,
            0x4820_7c82,
            0xf940_0020,
            0xf900_0020,
            0xf8bf_c020,
            0xc89f_7c20,
        ];
        for word in loads {
            assert!(
                is_load_exclusive(word) && !is_store_exclusive(word),
                "{word:#x}"
            );
        }
        for word in stores {
            assert!(
                is_store_exclusive(word) && !is_load_exclusive(word),
                "{word:#x}"
            );
        }
        for word in others {
            assert!(
                !is_load_exclusive(word) && !is_store_exclusive(word),
                "{word:#x}"
            );
            assert!(is_load_store(word), "{word:#x}");
        }
    }

    /// By GNU as 2.40: bl, blr, blraa, blraaz; dc zva, tlbi vmalle1is.
    #[test]
    fn calls_and_system_operations_are_told_from_their_neighbours() {
        assert!([0x9400_0004, 0xd63f_0020, 0xd73f_0822, 0xd63f_083f].map(is_call) == [true; 4]);
        // b, br, ret
        assert!([0x1400_0004, 0xd61f_0020, 0xd65f_03c0].map(is_call) == [false; 3]);
        assert!([0xd50b_7421, 0xd508_831f].map(is_system_operation) == [true; 2]);
        // nop, isb, mrs x0, currentel, msr tpidr_el1, x0, sysl x0, #0, c1, c0, #0
        let others = [
            0xd503_201f,
            0xd503_3fdf,
            0xd538_4240,
            0xd518_d080,
            0xd528_1000,
        ];
        assert!(others.map(is_system_operation) == [false; 5]);
    }

    /// By GNU as 2.40: prfm, prfum; ldr (unsigned), ldur, ldr (post-index); ldp, stp.
    #[test]
    fn forms_of_load_and_store_are_told_apart() {
        assert!([0xf980_0020, 0xf8a2_6820, 0xf880_1020, 0xd800_0080].map(is_prefetch) == [true; 4]);
        assert!([0xf940_0420, 0x3dc0_0420, 0x3900_0020].map(is_load_store_unsigned) == [true; 3]);
        assert!([0xf840_8020, 0xf840_8420, 0xa940_0420].map(is_load_store_unsigned) == [false; 3]);
        assert!([0xa940_0420, 0x6d40_0420, 0x2840_0420].map(is_load_pair) == [true; 3]);
        assert!([0xa900_0420, 0xf940_0420].map(is_load_pair) == [false; 2]);
        assert!(is_clear_exclusive(0xd503_3f5f) && !is_clear_exclusive(0xd503_3bbf));
    }
}
