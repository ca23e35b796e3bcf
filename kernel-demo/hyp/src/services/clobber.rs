//! The worst that code at EL2 can do to its caller's registers.

use core::arch::naked_asm;

use super::Service;
use crate::abi::status;

/// [`Clobber`](crate::abi::Service::Clobber).
pub struct Clobber;

impl Service for Clobber {
    fn run(&self, [value, _]: [u64; 2]) -> u64 {
        // SAFETY: the call led here; what is lost was saved at the boundary.
        unsafe { clobber(value) }
    }
}

/// Puts the complement of `value` where the kernel's values were, and ends the call.
///
/// # Safety
/// As for [`leave`](crate::image::entry::leave).
#[unsafe(naked)]
unsafe extern "C" fn clobber(value: u64) -> ! {
    naked_asm!(
        "mov x1, x0",
        // Where the boundary does not save it, no code here may use it.
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
