//! A shadow call stack on x18, for CPUs without pointer authentication.
//!
//! Code that is compiled to sign its return addresses (`pac-ret`) begins a function that spills
//! the link register with PACIASP and ends it with AUTIASP. Both are hint instructions: on a CPU
//! without pointer authentication (FEAT_PAuth) they are NOPs, and the return address is not
//! protected. On such a CPU they can be replaced:
//!
//! | instruction     | replacement            | effect                                     |
//! |-----------------|------------------------|--------------------------------------------|
//! | PACIASP [`SIGN`]     | `str x30, [x18], #8` [`PUSH`]  | keeps the return address on a second stack |
//! | AUTIASP [`AUTHENTICATE`] | `ldr x30, [x18, #-8]!` [`POP`] | takes it from there                |
//!
//! These instructions have no records. Their addresses are in the unwind tables (`.eh_frame`): a
//! `DW_CFA_AARCH64_negate_ra_state` follows each. [`ShadowPlan::new`] reads and checks the tables and
//! writes no text; its plan is committed as any other plan.
//!
//! `docs/shadow-call-stack.md` has the requirements for a kernel and the limits.
//!
//! ```
//! use core::mem::MaybeUninit;
//! use core::sync::atomic::AtomicU32;
//!
//! use alt_runtime::region::{Region, Table, Words};
//! use alt_runtime::shadow_call_stack::{PUSH, ShadowPlan, SIGN, UnwindInfo};
//!
//! // A function at 0x1000 that signs and never returns, and its unwind tables at 0x2000.
//! let text = [AtomicU32::new(SIGN.0), AtomicU32::new(0x14000000)];
//! let eh_frame = [
//!     16, 0, 0, 0, 0, 0, 0, 0, 1, b'z', b'R', 0, 1, 0x78, 30, 1, 0x1b, 12, 31, 0,
//!     // PC-relative address, length, no augmentation data, advance by 4 bytes, mark, padding.
//!     20, 0, 0, 0, 24, 0, 0, 0, 0xe4, 0xef, 0xff, 0xff, 8, 0, 0, 0, 0, 0x44, 0x2d, 0, 0, 0, 0, 0,
//! ];
//! # let region = Region {
//! #     text: Words::new(0x1000, &text).into(),
//! #     branches: Table::new(0, &[]),
//! #     alternatives: Table::new(0, &[]),
//! #     replacements: Words::new(0, &[]),
//! #     callbacks: Table::new(0, &[]),
//! # };
//! let unwind = UnwindInfo::new(0x2000, &eh_frame);
//! let mut room = [MaybeUninit::uninit(); 8];
//! let plan = ShadowPlan::new(&region, unwind, &[], &mut room)?;
//! assert_eq!(plan.report().sites, 1);
//! assert_eq!(plan.writes()[0].after(), PUSH);
//! # Ok::<_, alt_runtime::shadow_call_stack::UnwindError>(())
//! ```

mod eh_frame;
mod error;
mod plan;
mod scan;

use alt_cpu::fields::{ID_AA64ISAR1_EL1, ID_AA64ISAR2_EL1, ID_AA64PFR1_EL1};

use crate::cap::IdRegs;
use crate::insn::Insn;

pub use eh_frame::UnwindInfo;
pub use error::{ShadowError, UnwindError, UnwindReason};
pub use plan::{ShadowPlan, ShadowReport};

/// PACIASP: signs the return address (Arm ARM C6.2, "PACIA, PACIA1716, PACIASP, …").
pub const SIGN: Insn = Insn(0xd503_233f);

/// AUTIASP: checks the signature and removes it.
pub const AUTHENTICATE: Insn = Insn(0xd503_23bf);

/// `str x30, [x18], #8`
pub const PUSH: Insn = Insn(0xf800_865e);

/// `ldr x30, [x18, #-8]!`
pub const POP: Insn = Insn(0xf85f_8e5e);

/// The replacement of a marked word; the word itself if it is one. `None` for any other word.
const fn becomes(word: Insn) -> Option<Insn> {
    match word {
        SIGN | PUSH => Some(PUSH),
        AUTHENTICATE | POP => Some(POP),
        _ => None,
    }
}

/// Whether CPUs with these registers need a shadow call stack, since they have no pointer
/// authentication.
///
/// Also `false` with branch target identification (FEAT_BTI): PACIASP is then a landing pad for
/// indirect calls, which a store is not.
pub fn is_wanted(ids: &IdRegs) -> bool {
    let fields = [
        &ID_AA64ISAR1_EL1::APA,
        &ID_AA64ISAR1_EL1::API,
        &ID_AA64ISAR2_EL1::APA3,
        &ID_AA64PFR1_EL1::BT,
    ];
    fields.iter().all(|field| ids.field(field) == 0)
}
