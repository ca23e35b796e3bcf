//! The table to patch, which the host has loaded beside the image.

use core::mem::MaybeUninit;
use core::slice;

use alt_runtime::cap::CapSet;
use alt_runtime::record::{AlternativeRecord, BranchRecord};
use alt_runtime::region::{Region, Table, Words};
use alt_runtime::{CallbackError, Insn, PlannedWrite, Site, callback};

use crate::checks::cpucaps::TABLE;

/// The address at which the host loads it.
const ADDRESS: usize = 0x4400_0000;
/// Its first bytes; without a table, the memory is zero.
const MAGIC: u64 = 0x616c_7462_656e_6368;

/// A region and the cpucaps to patch it for.
pub struct Case {
    /// The region.
    pub region: Region<'static>,
    /// Room for its plan.
    pub room: &'static mut [MaybeUninit<PlannedWrite>],
    /// The cpucaps that count as present.
    pub present: CapSet,
}

/// Addresses and numbers of elements.
#[repr(C)]
struct Header {
    magic: u64,
    text: [u64; 2],
    branches: [u64; 2],
    alternatives: [u64; 2],
    replacements: [u64; 2],
    room: [u64; 2],
    present: [u64; 4],
}

/// The case, if the host has loaded one. Must be called once.
pub fn load() -> Option<Case> {
    // SAFETY: the memory is mapped, and zero is a valid value of each type in it.
    let header = unsafe { &*(ADDRESS as *const Header) };
    if header.magic != MAGIC {
        return None;
    }
    let present = TABLE
        .iter()
        .map(|info| info.cap)
        .filter(|cap| {
            let number = usize::from(cap.number());
            header.present[number / 64] >> (number % 64) & 1 != 0
        })
        .collect();
    // SAFETY: the host states the addresses of what it loaded, and nothing else uses this memory.
    unsafe {
        Some(Case {
            region: Region {
                text: words(header.text).into(),
                branches: table::<BranchRecord>(header.branches),
                alternatives: table::<AlternativeRecord>(header.alternatives),
                replacements: words(header.replacements),
                callbacks: Table::new(
                    &raw const BENCH_CALLBACK as u64,
                    slice::from_ref(&BENCH_CALLBACK),
                ),
            },
            room: slice::from_raw_parts_mut(header.room[0] as *mut _, header.room[1] as usize),
            present,
        })
    }
}

/// # Safety
/// As for [`Words::from_raw`].
unsafe fn words([address, len]: [u64; 2]) -> Words<'static> {
    // SAFETY: the caller's promise.
    unsafe { Words::from_raw(address, address as *const u32, len as usize) }
}

/// # Safety
/// There must be this number of records.
unsafe fn table<R>([address, len]: [u64; 2]) -> Table<'static, R> {
    // SAFETY: the caller's promise.
    let records = unsafe { slice::from_raw_parts(address as *const R, len as usize) };
    Table::new(address, records)
}

callback! {
    /// Like Linux's callback for hypervisor addresses: five instructions, with the registers of the
    /// site. Other sites become NOPs.
    #[unsafe(no_mangle)]
    pub static BENCH_CALLBACK = hyp_address;
}

fn hyp_address(site: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    let (Some(first), [mask, down, low, high, up]) = (site.words().first(), &mut *words) else {
        words.fill(Insn::NOP);
        return Ok(());
    };
    let (rd, rn) = (first.rd(), first.rn());
    *mask = Insn::and_immediate(rd, rn, (1 << 39) - 1)?;
    *down = Insn::ror(rd, rd, 39)?;
    *low = Insn::add_immediate(rd, rd, 0x123, 0)?;
    *high = Insn::add_immediate(rd, rd, 0x456, 12)?;
    *up = Insn::ror(rd, rd, 25)?;
    Ok(())
}
