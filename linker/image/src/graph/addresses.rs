//! The addresses that instructions compute or load from: ADRP with an addition, ADR, literals.

use alt_object::encodings::{is_indirect_branch, is_load_store, is_load_store_unsigned};
use alt_runtime::insn::Form;

use crate::code::Reference;

/// The registers that hold the page of an ADRP.
#[derive(Debug, Default)]
pub(super) struct Pages([Option<u64>; 31]);

impl Pages {
    /// Processes the next instruction; returns the address that it computes or accesses, if it is
    /// known.
    ///
    /// An instruction that may write a register makes it unknown, so that no address is invented;
    /// after an instruction that does not fall through, all registers are unknown.
    pub fn step(&mut self, at: u64, word: u32) -> Option<u64> {
        if let Some(reference) = Reference::of(at, word) {
            return self.relative(word, &reference);
        }
        let (d, n) = (word & 31, (word >> 5) & 31);
        let page = self.0.get(n as usize).copied().flatten();
        let made = page.and_then(|page| Some(page.wrapping_add(offset(word)?)));
        self.overwritten(word, d);
        made
    }

    fn relative(&mut self, word: u32, reference: &Reference) -> Option<u64> {
        match reference.form {
            Form::Adrp => {
                self.set(word & 31, Some(reference.target));
                None
            }
            // Arguments and scratch registers: AAPCS64, 6.1.1.
            Form::Bl => {
                self.0[..19].fill(None);
                self.0[30] = None;
                None
            }
            Form::B => {
                *self = Self::default();
                None
            }
            _ if reference.is_branch() => None,
            Form::Retasppc | Form::Autisppc => None,
            _ => {
                self.set(word & 31, None);
                Some(reference.target)
            }
        }
    }

    /// Forgets the registers that the instruction may write.
    fn overwritten(&mut self, word: u32, d: u32) {
        if is_indirect_branch(word) {
            *self = Self::default();
            return;
        }
        // With an unsigned offset, a store writes no register.
        let store = is_load_store_unsigned(word) && word & 0x00c0_0000 == 0;
        if !store {
            self.set(d, None);
        }
        if is_load_store(word) && !is_load_store_unsigned(word) {
            // The second register of a pair, the status of a store-exclusive, the base.
            for low in [10, 16, 5] {
                self.set((word >> low) & 31, None);
            }
        }
    }

    fn set(&mut self, register: u32, page: Option<u64>) {
        if let Some(place) = self.0.get_mut(register as usize) {
            *place = page;
        }
    }
}

/// The offset in bytes that an instruction adds to its base register: ADD (immediate, 64-bit), and
/// loads and stores with an unsigned offset.
fn offset(word: u32) -> Option<u64> {
    let immediate = u64::from((word >> 10) & 0xfff);
    if word & 0xffc0_0000 == 0x9100_0000 {
        return Some(immediate);
    }
    if !is_load_store_unsigned(word) {
        return None;
    }
    let (size, simd, opc) = (word >> 30, word & (1 << 26) != 0, (word >> 22) & 3);
    // Q registers: size 00, opc 1x.
    let scale = if simd && size == 0 && opc >= 2 {
        4
    } else {
        size
    };
    Some(immediate << scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words by GNU as 2.40; the addresses are computed by hand.
    #[test]
    fn addresses_are_those_of_the_manual() {
        let mut pages = Pages::default();
        let mut step = |word| pages.step(0x4020_0010, word);
        assert_eq!(step(0xb000_0000), None); // adrp x0, .+4096
        assert_eq!(step(0x9100_4001), Some(0x4020_1010)); // add x1, x0, #0x10
        assert_eq!(step(0xf940_0402), Some(0x4020_1008)); // ldr x2, [x0, #8]
        assert_eq!(step(0x3dc0_0400), Some(0x4020_1010)); // ldr q0, [x0, #16]
        assert_eq!(step(0x1000_0083), Some(0x4020_0020)); // adr x3, .+16
        assert_eq!(step(0x5800_0084), Some(0x4020_0020)); // ldr x4, .+16
    }

    #[test]
    fn addresses_wrap() {
        let mut pages = Pages::default();
        assert_eq!(pages.step(0, 0xf0ff_ffe0), None); // adrp x0, .-4096
        // ldr q0, [x0, #0xfff0]
        assert_eq!(pages.step(4, 0x3dff_fc00), Some(0xeff0));
    }

    #[test]
    fn a_changed_register_is_no_page() {
        for changer in [
            0xaa01_03e0, // mov x0, x1
            0xa940_0022, // ldp x2, x0, [x1]: both registers
            0x9400_0004, // bl .+16
            0xd65f_03c0, // ret
            0x1400_0004, // b .+16
            0xf840_8402, // ldr x2, [x0], #8
            0xc800_fc22, // stlxr w0, x2, [x1]
        ] {
            let mut pages = Pages::default();
            assert_eq!(pages.step(0x4020_0000, 0xb000_0000), None);
            let _ = pages.step(0x4020_0004, changer);
            assert_eq!(pages.step(0x4020_0008, 0x9100_4001), None, "{changer:#x}");
        }
    }
}
