//! The global offset table of the layout.
//!
//! Position-independent code loads the address of a symbol that another object may define from a slot.
//! The link makes the slots; here, they are behind all sections.

use std::collections::HashMap;

use object::elf::{
    R_AARCH64_ABS32, R_AARCH64_ABS64, R_AARCH64_ADR_GOT_PAGE, R_AARCH64_ADR_PREL_PG_HI21,
    R_AARCH64_GOT_LD_PREL19, R_AARCH64_GOTPCREL32, R_AARCH64_GOTREL32, R_AARCH64_GOTREL64,
    R_AARCH64_LD_PREL_LO19, R_AARCH64_LD64_GOT_LO12_NC, R_AARCH64_LD64_GOTOFF_LO15,
    R_AARCH64_LD64_GOTPAGE_LO15, R_AARCH64_LDST64_ABS_LO12_NC, R_AARCH64_MOVW_GOTOFF_G0,
    R_AARCH64_MOVW_GOTOFF_G0_NC, R_AARCH64_MOVW_GOTOFF_G1, R_AARCH64_MOVW_GOTOFF_G1_NC,
    R_AARCH64_MOVW_GOTOFF_G2, R_AARCH64_MOVW_GOTOFF_G2_NC, R_AARCH64_MOVW_GOTOFF_G3,
    R_AARCH64_MOVW_SABS_G0, R_AARCH64_MOVW_SABS_G1, R_AARCH64_MOVW_SABS_G2,
    R_AARCH64_MOVW_UABS_G0_NC, R_AARCH64_MOVW_UABS_G1_NC, R_AARCH64_MOVW_UABS_G2_NC,
    R_AARCH64_MOVW_UABS_G3, R_AARCH64_PLT32, RelocationType,
};

/// The symbol of the table, as compilers name it for R_AARCH64_LD64_GOTPAGE_LO15 (`-fpic` of GCC).
pub(super) const SYMBOL: &[u8] = b"_GLOBAL_OFFSET_TABLE_";

/// The size of a slot in bytes.
const SLOT: u64 = 8;

/// The table.
pub(super) struct Got {
    /// Its address, at the start of a page.
    pub start: u64,
    /// The addresses that the slots hold.
    slots: Vec<u64>,
    known: HashMap<u64, u64>,
}

impl Got {
    pub fn new(start: u64) -> Self {
        Self {
            start,
            slots: Vec::new(),
            known: HashMap::new(),
        }
    }

    /// A relocation by way of the table, as one that has nothing to do with the table: a type, and the
    /// value that it puts into the place, with the same effect as `kind` with `symbol` (AAELF64,
    /// 5.7.9). `None` for other types, and for forms that no compiler writes.
    pub fn resolve(
        &mut self,
        kind: RelocationType,
        symbol: u64,
        addend: i64,
    ) -> Option<(RelocationType, u64)> {
        // Distances of symbols from the table use no slot.
        let target = symbol.wrapping_add_signed(addend);
        let distance = target.wrapping_sub(self.start);
        match kind {
            R_AARCH64_GOTREL64 => return Some((R_AARCH64_ABS64, distance)),
            R_AARCH64_GOTREL32 => {
                let fits = i32::try_from(distance.cast_signed()).is_ok();
                return fits.then_some((R_AARCH64_ABS32, distance));
            }
            _ => (),
        }
        let (of_slot, is_offset) = match kind {
            R_AARCH64_ADR_GOT_PAGE => (R_AARCH64_ADR_PREL_PG_HI21, false),
            R_AARCH64_LD64_GOT_LO12_NC => (R_AARCH64_LDST64_ABS_LO12_NC, false),
            R_AARCH64_GOT_LD_PREL19 => (R_AARCH64_LD_PREL_LO19, false),
            R_AARCH64_GOTPCREL32 => (R_AARCH64_PLT32, false),
            // The table begins at the start of a page, so that both are the offset of the slot.
            R_AARCH64_LD64_GOTPAGE_LO15 | R_AARCH64_LD64_GOTOFF_LO15 => {
                (R_AARCH64_LD64_GOTOFF_LO15, true)
            }
            R_AARCH64_MOVW_GOTOFF_G0 => (R_AARCH64_MOVW_SABS_G0, true),
            R_AARCH64_MOVW_GOTOFF_G1 => (R_AARCH64_MOVW_SABS_G1, true),
            R_AARCH64_MOVW_GOTOFF_G2 => (R_AARCH64_MOVW_SABS_G2, true),
            R_AARCH64_MOVW_GOTOFF_G3 => (R_AARCH64_MOVW_UABS_G3, true),
            R_AARCH64_MOVW_GOTOFF_G0_NC => (R_AARCH64_MOVW_UABS_G0_NC, true),
            R_AARCH64_MOVW_GOTOFF_G1_NC => (R_AARCH64_MOVW_UABS_G1_NC, true),
            R_AARCH64_MOVW_GOTOFF_G2_NC => (R_AARCH64_MOVW_UABS_G2_NC, true),
            _ => return None,
        };
        if addend != 0 && kind != R_AARCH64_GOTPCREL32 {
            return None;
        }
        let slot = self.slot(symbol).wrapping_add_signed(addend);
        let origin = if is_offset { self.start } else { 0 };
        Some((of_slot, slot.wrapping_sub(origin)))
    }

    fn slot(&mut self, symbol: u64) -> u64 {
        *self.known.entry(symbol).or_insert_with(|| {
            self.slots.push(symbol);
            self.start
                .wrapping_add(SLOT * (self.slots.len() as u64 - 1))
        })
    }

    /// The bytes of the table.
    pub fn bytes(&self) -> Vec<u8> {
        self.slots.iter().flat_map(|to| to.to_le_bytes()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the formulas of AAELF64, 5.7.9: G(GDAT(S)) is the address of the slot, GOT that of the table.
    #[test]
    fn values_of_relocations_by_way_of_the_table() {
        let start = 0x4000_0000;
        let mut got = Got::new(start);
        // 600 slots before the one that the relocations need.
        for symbol in 0..600 {
            got.slot(symbol);
        }
        let (symbol, offset) = (0x1234_5678_u64, 4800);
        for (kind, expected) in [
            (R_AARCH64_ADR_GOT_PAGE, start + offset),
            (R_AARCH64_LD64_GOT_LO12_NC, start + offset),
            (R_AARCH64_GOT_LD_PREL19, start + offset),
            (R_AARCH64_GOTPCREL32, start + offset),
            (R_AARCH64_LD64_GOTPAGE_LO15, offset),
            (R_AARCH64_LD64_GOTOFF_LO15, offset),
            (R_AARCH64_MOVW_GOTOFF_G0, offset),
            (R_AARCH64_MOVW_GOTOFF_G0_NC, offset),
            (R_AARCH64_MOVW_GOTOFF_G1, offset),
            (R_AARCH64_MOVW_GOTOFF_G1_NC, offset),
            (R_AARCH64_MOVW_GOTOFF_G2, offset),
            (R_AARCH64_MOVW_GOTOFF_G2_NC, offset),
            (R_AARCH64_MOVW_GOTOFF_G3, offset),
            (R_AARCH64_GOTREL64, symbol.wrapping_sub(start)),
            (R_AARCH64_GOTREL32, symbol.wrapping_sub(start)),
        ] {
            let (_, value) = got.resolve(kind, symbol, 0).unwrap();
            assert_eq!(value, expected, "{kind:?}");
        }
        assert_eq!(got.bytes().len(), 601 * 8);
        let relative = got.resolve(R_AARCH64_GOTREL32, start, -8);
        assert_eq!(relative, Some((R_AARCH64_ABS32, 8_u64.wrapping_neg())));
        // What no compiler writes, what does not fit, and what needs no table.
        for (kind, symbol, addend) in [
            (R_AARCH64_MOVW_GOTOFF_G0, symbol, 8),
            (R_AARCH64_GOTREL32, 1 << 40, 0),
            (R_AARCH64_PLT32, symbol, 0),
        ] {
            assert_eq!(got.resolve(kind, symbol, addend), None);
        }
    }
}
