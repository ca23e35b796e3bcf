//! The monitor's decoder. The words are those of GNU as for the text beside them, the sizes are
//! from the manual.

use el2_monitor::insn::{Access, Exclusive, Size, is_wait, store_size};

#[test]
fn stores_reach_as_far_as_their_operands() {
    for (word, bytes, text) in [
        (0x2910_1064, 8, "stp w4, w4, [x3, #128]"),
        (0xa908_1064, 16, "stp x4, x4, [x3, #128]"),
        (0xa800_0440, 16, "stnp x0, x1, [x2]"),
        (0xad04_0460, 32, "stp q0, q1, [x3, #128]"),
        (0x6d08_0460, 16, "stp d0, d1, [x3, #128]"),
        (0x2d10_0460, 8, "stp s0, s1, [x3, #128]"),
        (0x3900_0064, 1, "strb w4, [x3]"),
        (0x7824_6864, 2, "strh w4, [x3, x4]"),
        (0xb901_0064, 4, "str w4, [x3, #256]"),
        (0xf800_8464, 8, "str x4, [x3], #8"),
        (0x3c80_3060, 16, "stur q0, [x3, #3]"),
        (0xfd00_0060, 8, "str d0, [x3]"),
        (0x7d00_0060, 2, "str h0, [x3]"),
        (0xc800_7c41, 8, "stxr w0, x1, [x2]"),
        (0x0800_fc41, 1, "stlxrb w0, w1, [x2]"),
        (0xc820_1041, 16, "stxp w0, x1, x4, [x2]"),
        (0x8820_1041, 8, "stxp w0, w1, w4, [x2]"),
        (0x889f_fc40, 4, "stlr w0, [x2]"),
        (0x88a0_7c41, 4, "cas w0, w1, [x2]"),
        (0x4820_7c82, 16, "casp x0, x1, x2, x3, [x4]"),
        (0x0820_7c82, 8, "casp w0, w1, w2, w3, [x4]"),
        (0xf820_8041, 8, "swp x0, x1, [x2]"),
        (0x3820_0041, 1, "ldaddb w0, w1, [x2]"),
        (0x4c00_2060, 64, "st1 {v0.16b-v3.16b}, [x3]"),
    ] {
        assert_eq!(store_size(word), Some(Size::Bytes(bytes)), "{text}");
    }
    // dc zva, x6
    assert_eq!(store_size(0xd50b_7426), Some(Size::ZeroBlock));
    // dc cvau, x6; nop
    assert_eq!(store_size(0xd50b_7b26), None);
    assert_eq!(store_size(0xd503_201f), None);
}

#[test]
fn exclusives_are_told_from_what_looks_like_them() {
    let access = |log2, pair, rt, rt2, rn| Access {
        log2,
        pair,
        rt,
        rt2,
        rn,
    };
    for (word, expected, text) in [
        (0xd503_3f5f, Some(Exclusive::Clear), "clrex"),
        (
            0xc85f_fc20,
            Some(Exclusive::Load(access(3, false, 0, 31, 1))),
            "ldaxr x0, [x1]",
        ),
        (
            0xc87f_0440,
            Some(Exclusive::Load(access(3, true, 0, 1, 2))),
            "ldxp x0, x1, [x2]",
        ),
        (
            0x0800_fc41,
            Some(Exclusive::Store(access(0, false, 1, 31, 2), 0)),
            "stlxrb w0, w1, [x2]",
        ),
        (
            0x8820_1041,
            Some(Exclusive::Store(access(2, true, 1, 4, 2), 0)),
            "stxp w0, w1, w4, [x2]",
        ),
        (0x889f_fc40, None, "stlr w0, [x2]"),
        (0x88a0_7c41, None, "cas w0, w1, [x2]"),
        (0x4820_7c82, None, "casp x0, x1, x2, x3, [x4]"),
        (0xf940_0020, None, "ldr x0, [x1]"),
    ] {
        assert_eq!(Exclusive::decode(word), expected, "{text}");
    }
}

#[test]
fn waiting_is_yield_wfe_and_wfi() {
    for (word, waits) in [
        (0xd503_203f, true),
        (0xd503_205f, true),
        (0xd503_207f, true),
        (0xd503_201f, false), // nop
        (0xd503_209f, false), // sev
    ] {
        assert_eq!(is_wait(word), waits, "{word:#x}");
    }
}
