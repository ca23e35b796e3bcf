//! The two variants in the image.

use core::ops::Range;

unsafe extern "C" {
    static __hyp_text_start: [u32; 0];
    static __hyp_text_end: [u32; 0];
}

/// The text of both variants, where the kernel has it.
pub fn all_text() -> Range<usize> {
    &raw const __hyp_text_start as usize..&raw const __hyp_text_end as usize
}

/// Where a variant is in the kernel's memory.
pub struct Variant {
    /// Its name, as in `.hyp.NAME.text`.
    pub name: &'static str,
    /// HCR_EL2.E2H.
    pub e2h: bool,
    bounds: fn() -> Bounds,
}

/// Its parts, whole pages each.
pub struct Bounds {
    /// Read and execute.
    pub text: Range<usize>,
    /// Read, once the pointers in it are correct.
    pub rodata: Range<usize>,
    /// Read and write.
    pub data: Range<usize>,
    /// Read and write, 0 at first.
    pub bss: Range<usize>,
    /// The table for VBAR_EL2.
    pub vectors: usize,
    /// What turns the MMU of EL2 on, within one page.
    pub init: usize,
    /// Where the vectors go.
    pub enter: usize,
}

/// A variant by the names that the link has given to its symbols.
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
    /// For EL2 as it was first: HCR_EL2.E2H is 0.
    NVHE, "nvhe", false
}
variant! {
    /// For EL2 with the registers in the form of EL1's: HCR_EL2.E2H is 1.
    VHE, "vhe", true
}

impl Variant {
    /// Where its parts are.
    pub fn bounds(&self) -> Bounds {
        (self.bounds)()
    }

    /// Its text, as addresses of instructions.
    pub fn text_words(&self) -> Range<u64> {
        let text = self.bounds().text;
        text.start as u64..text.end as u64
    }

    /// Makes its `.bss` 0: the boot code knows only that of the kernel.
    pub fn clear_bss(&self) {
        let bss = self.bounds().bss;
        // SAFETY: the range is mapped for writing, and nothing runs yet that uses it.
        unsafe { core::ptr::write_bytes(bss.start as *mut u8, 0, bss.len()) };
    }
}
