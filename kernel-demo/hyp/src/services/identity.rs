//! Who answers: where the hypervisor runs, and as what.

use core::arch::asm;

use super::{Service, mrs};
use crate::abi::Question;

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

/// The kernel's SCTLR_EL1. With E2H this name means SCTLR_EL2, and the kernel's is SCTLR_EL12.
fn sctlr() -> u64 {
    #[cfg(feature = "vhe")]
    return mrs!("S3_5_C1_C0_0");
    #[cfg(not(feature = "vhe"))]
    return mrs!("sctlr_el1");
}
