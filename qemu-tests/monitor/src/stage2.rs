//! Stage 2: maps the guest's physical memory one to one, with rights for each page where text is
//! watched.
//!
//! Each CPU has tables of its own, so that a page can be opened for one instruction of one CPU and
//! stay closed for the others. They share the VMID, which is allowed since no entry is common (CnP
//! is 0).

use el2_monitor::layout::{MAX_CPUS, Reason};

use crate::registers::{execute, write};

/// Start of RAM on QEMU's `virt`.
pub const RAM: u64 = 0x4000_0000;
/// RAM that can hold text, from its start on, in pages.
pub const RAM_PAGES: usize = 512 << 8;
/// Tables of pages for each CPU: 2 MiB of memory each.
const LAST_LEVEL: usize = 24;

#[derive(Clone, Copy)]
#[repr(C, align(4096))]
struct Table([u64; 512]);

impl Table {
    const EMPTY: Self = Self([0; 512]);

    fn address(&self) -> u64 {
        &raw const *self as u64
    }
}

/// One CPU's tables.
struct Tables {
    /// Of 1 GiB each.
    first: Table,
    /// The GiB with RAM, by 2 MiB.
    second: Table,
    /// Some of those, by page.
    last: [Table; LAST_LEVEL],
    /// How many of them are in use.
    used: usize,
}

/// All CPUs' tables.
pub struct Stage2 {
    tables: [Tables; MAX_CPUS],
}

/// The permissions of a CPU for a page, in addition to reading.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    pub write: bool,
    pub execute: bool,
}

/// Memory that is not executable.
pub const DATA: Rights = Rights {
    write: true,
    execute: false,
};

// Descriptors (Arm ARM D8.3.2): valid, accessed, inner shareable, Normal Write-Back or Device.
const NORMAL: u64 = 1 | 0xf << 2 | 3 << 8 | 1 << 10;
const DEVICE: u64 = 1 | 1 << 2 | 1 << 10 | 3 << 6 | 1 << 54;
const TABLE_OR_PAGE: u64 = 2;

fn rights(rights: Rights) -> u64 {
    let access = if rights.write { 3 << 6 } else { 1 << 6 };
    access | if rights.execute { 0 } else { 1 << 54 }
}

unsafe extern "C" {
    static monitor_start: u8;
    static monitor_end: u8;
}

impl Stage2 {
    /// Without tables.
    pub const NONE: Self = Self {
        tables: [const {
            Tables {
                first: Table::EMPTY,
                second: Table::EMPTY,
                last: [Table::EMPTY; LAST_LEVEL],
                used: 0,
            }
        }; MAX_CPUS],
    };

    /// All memory is data.
    pub fn reset(&mut self, cpu: usize) {
        let tables = &mut self.tables[cpu];
        tables.used = 0;
        for (index, entry) in tables.second.0.iter_mut().enumerate() {
            let address = RAM + (index as u64) * (2 << 20);
            *entry = address | NORMAL | rights(DATA);
        }
        // The guest cannot access the monitor.
        let start = (&raw const monitor_start) as u64;
        let end = (&raw const monitor_end) as u64;
        for at in (start..end).step_by(2 << 20) {
            tables.second.0[((at - RAM) >> 21) as usize] = 0;
        }
        for (index, entry) in tables.first.0.iter_mut().enumerate().take(256) {
            let address = (index as u64) << 30;
            *entry = address
                | if index == 0 {
                    DEVICE
                } else {
                    NORMAL | rights(DATA)
                };
        }
        tables.first.0[1] = tables.second.address() | 1 | TABLE_OR_PAGE;
    }

    /// Sets the rights of a CPU to a page of RAM. Returns whether they have changed; the CPU may
    /// still have the old ones in its TLB.
    pub fn set(&mut self, cpu: usize, page: u64, to: Rights) -> Result<bool, Reason> {
        let entry = self.entry(cpu, page)?;
        let new = page | NORMAL | TABLE_OR_PAGE | rights(to);
        Ok(core::mem::replace(entry, new) != new)
    }

    /// The descriptor of a page; a block of 2 MiB is taken apart.
    fn entry(&mut self, cpu: usize, page: u64) -> Result<&mut u64, Reason> {
        let tables = self.tables.get_mut(cpu).ok_or(Reason::Memory)?;
        let index = page.checked_sub(RAM).ok_or(Reason::Memory)? >> 21;
        let block = tables
            .second
            .0
            .get_mut(index as usize)
            .ok_or(Reason::Memory)?;
        if *block == 0 {
            return Err(Reason::Memory);
        }
        if *block & TABLE_OR_PAGE == 0 {
            let table = tables.last.get_mut(tables.used).ok_or(Reason::Pages)?;
            let start = RAM + index * (2 << 20);
            for (index, entry) in table.0.iter_mut().enumerate() {
                let address = start + index as u64 * 4096;
                *entry = address | NORMAL | TABLE_OR_PAGE | rights(DATA);
            }
            *block = table.address() | 1 | TABLE_OR_PAGE;
            tables.used += 1;
        }
        let table = *block & 0xffff_ffff_f000;
        let table = tables.last.iter_mut().find(|t| t.address() == table);
        let table = table.ok_or(Reason::Memory)?;
        Ok(&mut table.0[(page >> 12 & 511) as usize])
    }

    /// Puts the tables of the CPU that executes this into use.
    pub fn activate(&self, cpu: usize) {
        // VTCR_EL2: 39 bits from level 1 on, 4 KiB, write-back, 40 bits of physical address.
        const VTCR: u64 = 1 << 31 | 2 << 16 | 3 << 12 | 1 << 10 | 1 << 8 | 1 << 6 | 25;
        write!("vtcr_el2", VTCR);
        write!("vttbr_el2", self.tables[cpu].first.address());
        execute!("isb");
        forget();
    }
}

/// After a change of this CPU's tables.
pub fn forget() {
    execute!("dsb ish");
    execute!("tlbi vmalls12e1");
    execute!("dsb ish");
    execute!("isb");
}

/// After a change of several CPUs' tables.
pub fn forget_all() {
    execute!("dsb ish");
    execute!("tlbi vmalls12e1is");
    execute!("dsb ish");
    execute!("isb");
}
