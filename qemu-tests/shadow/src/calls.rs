//! Calls of the functions in functions.s.

use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::fmt;
use core::ops::Range;

global_asm!(include_str!("functions.s"), options(raw));

/// Depth of the calls.
const DEPTH: u64 = 5;

/// The result of calls.
#[repr(C)]
struct Outcome {
    returned: u64,
    /// In bytes.
    on_shadow_stack: u64,
}

/// Makes calls that all return, and an attack.
pub struct Calls {
    returned: u64,
    on_shadow_stack: u64,
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} calls returned, {} of them on the shadow call stack",
            self.returned, self.on_shadow_stack
        )
    }
}

struct Stack(UnsafeCell<[u64; 64]>);

// SAFETY: only one CPU runs.
unsafe impl Sync for Stack {}

static SHADOW: Stack = Stack(UnsafeCell::new([0; 64]));

unsafe extern "C" {
    fn enter(depth: u64, attack: u64, shadow: *mut u64) -> Outcome;
    fn foreign();
}

fn go(attack: bool) -> Outcome {
    // SAFETY: it preserves the callee-saved registers, and the shadow call stack is large enough. The
    // attack comes back by itself.
    unsafe { enter(DEPTH, attack.into(), SHADOW.0.get().cast()) }
}

/// Calls functions that call each other.
pub fn run() -> Calls {
    let outcome = go(false);
    Calls {
        returned: outcome.returned,
        on_shadow_stack: outcome.on_shadow_stack / 8,
    }
}

/// The same, but each return address on the stack is overwritten. Returns the number of calls that
/// returned; `None` if the attacker got control.
pub fn attack() -> Option<u64> {
    let outcome = go(true);
    (outcome.returned != u64::MAX).then_some(outcome.returned)
}

/// The addresses of the function that is to stay as it is.
pub fn foreign_range() -> Range<u64> {
    let start = foreign as *const () as u64;
    // PACIASP, STP, LDP, AUTIASP, RET.
    start..start + 5 * 4
}

/// Its first word.
pub fn foreign_word() -> u32 {
    // SAFETY: text can be read.
    unsafe { (foreign as *const u32).read_volatile() }
}

/// Gives the CPU a key, and lets PACIASP and AUTIASP use it.
///
/// # Safety
/// The CPU must have pointer authentication, and no caller have signed its return address.
pub unsafe fn enable_authentication() {
    // SAFETY: registers that exist, by the caller's promise: APIAKeyLo_EL1 and APIAKeyHi_EL1, and
    // SCTLR_EL1.EnIA (Arm ARM D24.2).
    unsafe {
        asm!(
            "msr S3_0_C2_C1_0, {low}",
            "msr S3_0_C2_C1_1, {high}",
            "mrs {sctlr}, sctlr_el1",
            "orr {sctlr}, {sctlr}, #1 << 31",
            "msr sctlr_el1, {sctlr}",
            "isb",
            low = in(reg) 0x0123_4567_89ab_cdef_u64,
            high = in(reg) 0xfedc_ba98_7654_3210_u64,
            sctlr = out(reg) _,
            options(nostack, preserves_flags),
        );
    }
}
