//! The two variants of the hypervisor in the image, for HCR_EL2.E2H = 0 and 1.

use core::ops::Range;

use alt_runtime::Maintenance;
use defmt::info;

use crate::platform::memory::{self, Rights};

/// BRK #0x100, which fills freed memory and which no code executes on purpose.
const POISON: u32 = 0xd420_2000;

unsafe extern "C" {
    static __hyp_text_start: [u32; 0];
    static __hyp_text_end: [u32; 0];
}

/// The text of both variants, at its kernel addresses.
pub fn all_text() -> Range<usize> {
    &raw const __hyp_text_start as usize..&raw const __hyp_text_end as usize
}

/// A variant.
pub struct Variant {
    /// Its name, as in `.hyp.NAME.text`.
    pub name: &'static str,
    /// HCR_EL2.E2H.
    pub e2h: bool,
    bounds: fn() -> Bounds,
}

/// The parts of a variant at their kernel addresses; each is a number of whole pages.
pub struct Bounds {
    /// Read and execute.
    pub text: Range<usize>,
    /// Read, once its pointers have been corrected.
    pub rodata: Range<usize>,
    /// Read and write.
    pub data: Range<usize>,
    /// Read and write, zero at first.
    pub bss: Range<usize>,
    /// The table for VBAR_EL2.
    pub vectors: usize,
    /// The code that turns the MMU of EL2 on, within one page.
    pub init: usize,
    /// The handler that the vectors branch to.
    pub enter: usize,
}

/// A variant, by the symbols that alt-linker defines for the namespace `hyp.NAME`.
macro_rules! variant {
    ($(#[$attribute:meta])* $static:ident, $name:literal, $e2h:literal) => {
        $(#[$attribute])*
        pub static $static: Variant = Variant {
            name: $name,
            e2h: $e2h,
            bounds: || {
                unsafe extern "C" {
                    #[link_name = concat!("__hyp_", $name, "_text_start")]
                    static text_start: u8;
                    #[link_name = concat!("__hyp_", $name, "_text_end")]
                    static text_end: u8;
                    #[link_name = concat!("__hyp_", $name, "_rodata_start")]
                    static rodata_start: u8;
                    #[link_name = concat!("__hyp_", $name, "_rodata_end")]
                    static rodata_end: u8;
                    #[link_name = concat!("__hyp_", $name, "_data_start")]
                    static data_start: u8;
                    #[link_name = concat!("__hyp_", $name, "_data_end")]
                    static data_end: u8;
                    #[link_name = concat!("__hyp_", $name, "_bss_start")]
                    static bss_start: u8;
                    #[link_name = concat!("__hyp_", $name, "_bss_end")]
                    static bss_end: u8;
                    #[link_name = concat!("__hyp_", $name, "_vectors")]
                    static vectors: u8;
                    #[link_name = concat!("__hyp_", $name, "_init")]
                    static init: u8;
                    #[link_name = concat!("__hyp_", $name, "_enter")]
                    static enter: u8;
                }
                Bounds {
                    text: &raw const text_start as usize..&raw const text_end as usize,
                    rodata: &raw const rodata_start as usize..&raw const rodata_end as usize,
                    data: &raw const data_start as usize..&raw const data_end as usize,
                    bss: &raw const bss_start as usize..&raw const bss_end as usize,
                    vectors: &raw const vectors as usize,
                    init: &raw const init as usize,
                    enter: &raw const enter as usize,
                }
            },
        };
    };
}

variant! {
    /// HCR_EL2.E2H is 0: the registers of EL2 have their original form.
    NVHE, "nvhe", false
}
variant! {
    /// HCR_EL2.E2H is 1: the registers of EL2 have the form of those of EL1.
    VHE, "vhe", true
}

impl Variant {
    /// Its parts.
    pub fn bounds(&self) -> Bounds {
        (self.bounds)()
    }

    /// The addresses of its text.
    pub fn text_words(&self) -> Range<u64> {
        let text = self.bounds().text;
        text.start as u64..text.end as u64
    }

    /// Zeroes its `.bss`: the first instructions zero only the kernel's.
    pub fn clear_bss(&self) {
        let bss = self.bounds().bss;
        // SAFETY: the range is mapped for writing, and nothing that uses it runs yet.
        unsafe { core::ptr::write_bytes(bss.start as *mut u8, 0, bss.len()) };
    }

    /// Frees a variant that is not in use: poisons it, unmaps it and logs its size. A kernel with an
    /// allocator would add the memory to it.
    pub fn free(&self, maintenance: Maintenance) {
        let parts = self.bounds();
        let mut bytes = 0;
        for part in [parts.text.clone(), parts.rodata, parts.data, parts.bss] {
            // SAFETY: nothing executes or reads the variant any more.
            unsafe { memory::set_rights(part.clone(), Rights::ReadWrite) };
            for word in part.clone().step_by(4) {
                // SAFETY: the word is mapped for writing now, and nothing else uses it.
                unsafe { (word as *mut u32).write_volatile(POISON) };
            }
            if part == parts.text {
                // So that no instruction cache keeps the old words.
                // SAFETY: the text is mapped, and no CPU executes it.
                unsafe { maintenance.sync(part.start as u64..part.end as u64) };
            }
            bytes += part.len();
            // SAFETY: as above.
            unsafe { memory::unmap(part) };
        }
        info!("hyp freed {=str} bytes={=usize}", self.name, bytes);
    }
}
