//! Decodes the instructions that affect the visibility of text.

use serde::{Deserialize, Serialize};

/// An instruction that takes part in making text visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    /// Its kind.
    pub kind: OpKind,
    /// The number of the register with its operand; 31 is the zero register.
    pub register: Option<u8>,
}

/// Kinds of such instructions. They are counted by these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpKind {
    /// Clean a line to the point of unification.
    DcCvau,
    /// Clean a line to the point of coherency.
    DcCvac,
    /// Clean a line to the point of persistence.
    DcCvap,
    /// Clean a line to the point of deep persistence.
    DcCvadp,
    /// Clean and invalidate a line to the point of coherency.
    DcCivac,
    /// Invalidate a line without cleaning it.
    DcIvac,
    /// Any operation by set and way, which has no effect on coherency with other CPUs.
    DcSetWay,
    /// Write zeros to a block. It does not count as a store, since zeros are not instructions.
    DcZva,
    /// Invalidate instructions by address, on all CPUs.
    IcIvau,
    /// Invalidate all instructions, on this CPU.
    IcIallu,
    /// Invalidate all instructions, on all CPUs.
    IcIalluis,
    /// A DSB for all accesses, inner shareable or wider: completes maintenance.
    Dsb,
    /// A DSB for stores only, inner shareable or wider.
    DsbStores,
    /// A DSB for all accesses, not shareable: completes maintenance of this CPU alone.
    DsbLocal,
    /// Any other DSB: for loads, or for stores and not shareable.
    DsbWeak,
    /// A context synchronisation event by name.
    Isb,
    /// An exception return, which is a context synchronisation event as well.
    Eret,
    /// SVC, HVC, SMC or BRK: takes an exception, which is a context synchronisation event as well.
    Exception,
    /// The write of a vector base, by which exceptions are recognised.
    Vbar,
    /// The write of a system control register, whose bit M turns an MMU on.
    Sctlr,
    /// The write of the masks of interrupts from a register, as when they are restored.
    Daif,
}

impl OpKind {
    /// Whether it cleans a line by its address.
    pub fn is_clean(self) -> bool {
        use OpKind::*;
        matches!(self, DcCvau | DcCvac | DcCvap | DcCvadp | DcCivac)
    }

    /// Whether it cleans to the point of coherency, from which a CPU fetches while its caches are
    /// off.
    pub fn is_clean_to_coherency(self) -> bool {
        self.is_clean() && self != Self::DcCvau
    }

    /// Whether it is a DSB of any kind.
    pub(crate) fn is_dsb(self) -> bool {
        use OpKind::*;
        matches!(self, Dsb | DsbStores | DsbLocal | DsbWeak)
    }
}

impl Op {
    /// Decodes an instruction; `None` if it does not affect the visibility of text.
    pub fn decode(word: u32) -> Option<Self> {
        use OpKind::*;
        let with_register = |kind| Op {
            kind,
            register: Some((word & 0x1f) as u8),
        };
        let plain = |kind| Op {
            kind,
            register: None,
        };
        // System instructions with their register taken out.
        match word & !0x1f {
            0xd50b_7b20 => return Some(with_register(DcCvau)),
            0xd50b_7a20 => return Some(with_register(DcCvac)),
            0xd50b_7c20 => return Some(with_register(DcCvap)),
            0xd50b_7d20 => return Some(with_register(DcCvadp)),
            0xd50b_7e20 => return Some(with_register(DcCivac)),
            0xd508_7620 => return Some(with_register(DcIvac)),
            0xd508_7640 | 0xd508_7a40 | 0xd508_7e40 => return Some(with_register(DcSetWay)),
            // DC ZVA, and DC GZVA, which writes tags as well.
            0xd50b_7420 | 0xd50b_7480 => return Some(with_register(DcZva)),
            0xd50b_7520 => return Some(with_register(IcIvau)),
            // VBAR_EL1, VBAR_EL12, VBAR_EL2, VBAR_EL3.
            0xd518_c000 | 0xd51d_c000 | 0xd51c_c000 | 0xd51e_c000 => {
                return Some(with_register(Vbar));
            }
            0xd51b_4220 => return Some(with_register(Daif)),
            // SCTLR_EL1, SCTLR_EL12, SCTLR_EL2, SCTLR_EL3.
            0xd518_1000 | 0xd51d_1000 | 0xd51c_1000 | 0xd51e_1000 => {
                return Some(with_register(Sctlr));
            }
            _ => {}
        }
        match word {
            0xd508_751f => return Some(plain(IcIallu)),
            0xd508_711f => return Some(plain(IcIalluis)),
            0xd69f_03e0 | 0xd69f_0bff | 0xd69f_0fff => return Some(plain(Eret)),
            _ => {}
        }
        match word & 0xffff_f0ff {
            0xd503_309f => return barrier(word >> 8 & 0xf).map(plain),
            0xd503_30df => return Some(plain(Isb)),
            _ => {}
        }
        // DSB with the nXS qualifier: always for all accesses; only the domain varies.
        if word & 0xffff_f3ff == 0xd503_323f {
            let is_local = word >> 10 & 3 == 0b01;
            return Some(plain(if is_local { DsbLocal } else { Dsb }));
        }
        match word & 0xffe0_001f {
            0xd400_0001 | 0xd400_0002 | 0xd400_0003 | 0xd420_0000 => Some(plain(Exception)),
            _ => None,
        }
    }
}

/// The kind of a DSB by its option: domain in bits 3:2, accesses in bits 1:0.
fn barrier(option: u32) -> Option<OpKind> {
    let is_local = option >> 2 == 0b01;
    match option & 3 {
        // SSBB and PSSBB are not DSBs.
        0b00 if option == 0 || option == 4 => None,
        // Reserved options behave as SY.
        0b00 => Some(OpKind::Dsb),
        0b11 if is_local => Some(OpKind::DsbLocal),
        0b01 => Some(OpKind::DsbWeak),
        _ if is_local => Some(OpKind::DsbWeak),
        0b10 => Some(OpKind::DsbStores),
        _ => Some(OpKind::Dsb),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use OpKind::*;

    // The words are those of LLVM's assembler for the text beside them.
    const OPS: &[(u32, OpKind, Option<u8>)] = &[
        (0xd50b_7b25, DcCvau, Some(5)),   // dc cvau, x5
        (0xd50b_7b3f, DcCvau, Some(31)),  // dc cvau, xzr
        (0xd50b_7a25, DcCvac, Some(5)),   // dc cvac, x5
        (0xd50b_7c28, DcCvap, Some(8)),   // dc cvap, x8
        (0xd50b_7d28, DcCvadp, Some(8)),  // dc cvadp, x8
        (0xd50b_7e25, DcCivac, Some(5)),  // dc civac, x5
        (0xd508_7627, DcIvac, Some(7)),   // dc ivac, x7
        (0xd508_7647, DcSetWay, Some(7)), // dc isw, x7
        (0xd508_7a47, DcSetWay, Some(7)), // dc csw, x7
        (0xd508_7e47, DcSetWay, Some(7)), // dc cisw, x7
        (0xd50b_7427, DcZva, Some(7)),    // dc zva, x7
        (0xd50b_7487, DcZva, Some(7)),    // dc gzva, x7
        (0xd50b_7525, IcIvau, Some(5)),   // ic ivau, x5
        (0xd508_751f, IcIallu, None),     // ic iallu
        (0xd508_711f, IcIalluis, None),   // ic ialluis
        (0xd503_3b9f, Dsb, None),         // dsb ish
        (0xd503_3f9f, Dsb, None),         // dsb sy
        (0xd503_339f, Dsb, None),         // dsb osh
        (0xd503_3e3f, Dsb, None),         // dsb synxs
        (0xd503_3a3f, Dsb, None),         // dsb ishnxs
        (0xd503_3a9f, DsbStores, None),   // dsb ishst
        (0xd503_379f, DsbLocal, None),    // dsb nsh
        (0xd503_363f, DsbLocal, None),    // dsb nshnxs
        (0xd503_369f, DsbWeak, None),     // dsb nshst
        (0xd503_399f, DsbWeak, None),     // dsb ishld
        (0xd503_3d9f, DsbWeak, None),     // dsb ld
        (0xd503_3fdf, Isb, None),         // isb
        (0xd69f_03e0, Eret, None),        // eret
        (0xd69f_0bff, Eret, None),        // eretaa
        (0xd69f_0fff, Eret, None),        // eretab
        (0xd400_0001, Exception, None),   // svc #0
        (0xd400_0022, Exception, None),   // hvc #1
        (0xd400_0043, Exception, None),   // smc #2
        (0xd420_0060, Exception, None),   // brk #3
        (0xd518_c003, Vbar, Some(3)),     // msr vbar_el1, x3
        (0xd51d_c003, Vbar, Some(3)),     // msr vbar_el12, x3
        (0xd51c_c003, Vbar, Some(3)),     // msr vbar_el2, x3
        (0xd51e_c003, Vbar, Some(3)),     // msr vbar_el3, x3
        (0xd518_1008, Sctlr, Some(8)),    // msr sctlr_el1, x8
        (0xd51d_1008, Sctlr, Some(8)),    // msr sctlr_el12, x8
        (0xd51c_1007, Sctlr, Some(7)),    // msr sctlr_el2, x7
        (0xd51e_1007, Sctlr, Some(7)),    // msr sctlr_el3, x7
        (0xd51b_4231, Daif, Some(17)),    // msr daif, x17
    ];

    const OTHERS: &[u32] = &[
        0xd503_201f, // nop
        0xd503_309f, // ssbb
        0xd503_349f, // pssbb
        0xd503_3bbf, // dmb ish
        0xd45e_0000, // hlt #0xf000
        0xd50b_7467, // dc gva, x7
        0xd508_7807, // at s1e1r, x7
        0xd508_8327, // tlbi vae1is, x7
        0xd65f_03c0, // ret
        0xd503_4fdf, // msr daifset, #0xf
        0,
    ];

    #[test]
    fn operations_are_told_apart() {
        for (word, kind, register) in OPS {
            let (kind, register) = (*kind, *register);
            assert_eq!(Op::decode(*word), Some(Op { kind, register }), "{word:#x}");
        }
    }

    #[test]
    fn other_instructions_are_none() {
        for word in OTHERS {
            assert_eq!(Op::decode(*word), None, "{word:#x}");
        }
    }
}
