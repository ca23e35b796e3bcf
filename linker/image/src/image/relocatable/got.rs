//! The global offset table of the layout.
//!
//! Position-independent code loads the address of a symbol that another object may define from a slot.
//! The link makes the slots; here, they are behind all sections.

use std::collections::HashMap;

use object::elf::{
    R_AARCH64_ADR_GOT_PAGE, R_AARCH64_ADR_PREL_PG_HI21, R_AARCH64_GOT_LD_PREL19,
    R_AARCH64_GOTPCREL32, R_AARCH64_LD_PREL_LO19, R_AARCH64_LD64_GOT_LO12_NC,
    R_AARCH64_LD64_GOTPAGE_LO15, R_AARCH64_LDST64_ABS_LO12_NC, R_AARCH64_PLT32, RelocationType,
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

    /// The slot of `symbol`: a relocation type without a table that encodes its address as `kind` does, and
    /// this address (AAELF64, 5.7.9). `None` for other types, and for forms that no compiler writes.
    pub fn resolve(
        &mut self,
        kind: RelocationType,
        symbol: u64,
        addend: i64,
    ) -> Option<(RelocationType, u64)> {
        let of_slot = match kind {
            R_AARCH64_ADR_GOT_PAGE => R_AARCH64_ADR_PREL_PG_HI21,
            // The table begins at the start of a page. These types reach its first page only.
            R_AARCH64_LD64_GOT_LO12_NC | R_AARCH64_LD64_GOTPAGE_LO15 => {
                R_AARCH64_LDST64_ABS_LO12_NC
            }
            R_AARCH64_GOT_LD_PREL19 => R_AARCH64_LD_PREL_LO19,
            R_AARCH64_GOTPCREL32 => R_AARCH64_PLT32,
            _ => return None,
        };
        if addend != 0 && kind != R_AARCH64_GOTPCREL32 {
            return None;
        }
        let slot = self.slot(symbol);
        if kind == R_AARCH64_LD64_GOTPAGE_LO15 && slot - self.start >= 4096 {
            return None;
        }
        Some((of_slot, slot.wrapping_add_signed(addend)))
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
