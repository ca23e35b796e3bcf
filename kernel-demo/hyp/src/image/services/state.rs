//! Services that report or change the state of EL2: registers, memory, and the ways in which a call
//! can end.

use core::arch::{asm, naked_asm};
use core::sync::atomic::Ordering;

use super::Service;
use crate::abi::{ELEMENTS, Question, REGISTERS, element, status};
use crate::image::{hyp_shared_constant, hyp_shared_word};

/// Reads a system register.
macro_rules! mrs {
    ($register:literal) => {{
        let value: u64;
        // SAFETY: reading the register has no effect.
        unsafe {
            asm!(
                concat!("mrs {}, ", $register),
                out(reg) value,
                options(nomem, nostack, preserves_flags),
            );
        }
        value
    }};
}

/// [`Identity`](crate::abi::Service::Identity).
pub struct Identity;

impl Service for Identity {
    fn run(&self, [question, _]: [u64; 2]) -> u64 {
        let is = |other: Question| question == other as u64;
        if is(Question::Vectors) {
            vectors()
        } else if is(Question::Level) {
            // CurrentEL.EL is in bits 3:2.
            mrs!("CurrentEL") >> 2 & 3
        } else if is(Question::E2h) {
            mrs!("hcr_el2") >> 34 & 1
        } else if is(Question::Variant) {
            cfg!(feature = "vhe").into()
        } else if is(Question::Sctlr) {
            sctlr()
        } else {
            u64::MAX
        }
    }
}

fn vectors() -> u64 {
    let address;
    // SAFETY: the instructions compute one register.
    unsafe {
        asm!(
            "adrp {address}, vectors",
            "add {address}, {address}, :lo12:vectors",
            address = out(reg) address,
            options(nomem, nostack, preserves_flags),
        );
    }
    address
}

/// The kernel's SCTLR_EL1. With E2H, this name accesses SCTLR_EL2, and SCTLR_EL12 the kernel's.
fn sctlr() -> u64 {
    #[cfg(feature = "vhe")]
    return mrs!("S3_5_C1_C0_0");
    #[cfg(not(feature = "vhe"))]
    return mrs!("sctlr_el1");
}

/// [`Register`](crate::abi::Service::Register).
pub struct Register;

/// Reads each of them, in the order of [`REGISTERS`].
static READERS: [fn() -> u64; REGISTERS.len()] = [
    || mrs!("hcr_el2"),
    || mrs!("sctlr_el2"),
    || mrs!("tcr_el2"),
    || mrs!("mair_el2"),
    || mrs!("cptr_el2"),
    || mrs!("cnthctl_el2"),
    || mrs!("mdcr_el2"),
    || mrs!("hstr_el2"),
    || mrs!("vttbr_el2"),
    || mrs!("cntvoff_el2"),
    || mrs!("vpidr_el2"),
    || mrs!("vmpidr_el2"),
];

impl Service for Register {
    fn run(&self, [number, _]: [u64; 2]) -> u64 {
        READERS[number as usize]()
    }
}

/// [`Read`](crate::abi::Service::Read).
pub struct Read;

impl Service for Read {
    fn run(&self, [address, _]: [u64; 2]) -> u64 {
        let word;
        // SAFETY: EL2 maps no devices, so a load has no effect; if it faults, the call ends.
        unsafe {
            asm!(
                "ldr {word}, [{address}]",
                address = in(reg) address,
                word = out(reg) word,
                options(nostack, preserves_flags, readonly),
            );
        }
        word
    }
}

/// [`Exchange`](crate::abi::Service::Exchange).
pub struct Exchange;

impl Service for Exchange {
    fn run(&self, [word, _]: [u64; 2]) -> u64 {
        hyp_shared_word.store(word, Ordering::Relaxed);
        hyp_shared_constant
    }
}

static ARRAY: [u64; ELEMENTS] = {
    let mut array = [0; ELEMENTS];
    let mut index = 0;
    while index < ELEMENTS {
        array[index] = element(index);
        index += 1;
    }
    array
};

/// [`Element`](crate::abi::Service::Element).
pub struct Element;

impl Service for Element {
    fn run(&self, [index, _]: [u64; 2]) -> u64 {
        ARRAY[index as usize]
    }
}

/// [`Clobber`](crate::abi::Service::Clobber).
pub struct Clobber;

impl Service for Clobber {
    fn run(&self, [value, _]: [u64; 2]) -> u64 {
        // SAFETY: `dispatch` has called this; the kernel's registers were saved at the entry.
        unsafe { clobber(value) }
    }
}

/// Overwrites all registers that a call preserves with the complement of `value`, and ends the call.
///
/// # Safety
/// As for `leave` in `entry`.
#[unsafe(naked)]
unsafe extern "C" fn clobber(value: u64) -> ! {
    naked_asm!(
        "mov x1, x0",
        // With the feature, the entry does not save x18, so no code here may use it.
        ".if !{fixed_x18}",
        "mvn x18, x0",
        ".endif",
        ".irp n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30",
        "mvn x\\n, x0",
        ".endr",
        "mov x2, xzr",
        "mov x0, #{ok}",
        "b leave",
        ok = const status::OK,
        fixed_x18 = const cfg!(feature = "fixed-x18") as u8,
    )
}
