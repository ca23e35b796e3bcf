//! Boot-time code patching by CPU capability for arm64 kernels written in Rust.
//!
//! A kernel must run on every arm64 CPU and still use what the CPU at hand can
//! do. With this crate it says both at the place where it matters, and its text
//! is rewritten once, at boot, when the cpucaps are known:
//!
//! ```
//! mod cpucaps {
//!     alt_runtime::cpucaps!("../cpucaps.toml");
//! }
//! use alt_runtime::{alternative, cpu_has_cap};
//! use cpucaps::{LSE, SB};
//!
//! // Instructions, and what they become where SB is present.
//! // SAFETY: both are speculation barriers.
//! unsafe {
//!     alternative!(
//!         "dsb nsh",
//!         "isb",
//!         SB => ".arch_extension sb", "sb",
//!         host => {},
//!         options(nostack, preserves_flags),
//!     )
//! };
//! // A branch on a cpucap: one instruction, no flag in memory.
//! if cpu_has_cap!(likely LSE) { /* … */ }
//! ```
//!
//! A crate may re-export the macros, as a hardware layer does for its drivers, and this crate
//! may have another name in `Cargo.toml`: the macros find it all the same. Crates with sites
//! can be tested on a host: `host => { … }` in [`alternative!`], and [`cpu_has_cap!`] is
//! `false` there.
//!
//! | module     | what is there |
//! |------------|---------------|
//! | [`cap`]    | cpucaps: numbers, sets, how each is detected from the ID registers |
//! | [`insn`]   | A64 words: which are PC-relative, and moving one to another address |
//! | [`record`] | the layouts in the image |
//! | [`region`] | one image's text and tables |
//! | [`mod@callback`] | functions that compute what a site becomes |
//! | [`patch`]  | plan → commit → verify |
//! | [`pointers`] | pointers of code that runs at another address |
//! | [`rendezvous`] | where the other CPUs wait meanwhile |
//! | [`boot`]   | the phases, as types |
//! | `shadow_call_stack` | for CPUs without pointer authentication; a feature of that name |
//!
//! Everything but reading registers and writing text computes on values, and
//! runs on the host as well.
#![no_std]

mod arch;
mod assembly;
pub mod boot;
pub mod callback;
pub mod cap;
mod image;
pub mod insn;
mod macros;
pub mod patch;
pub mod pointers;
pub mod record;
pub mod region;
pub mod rendezvous;
mod room;
#[cfg(feature = "shadow-call-stack")]
pub mod shadow_call_stack;

pub use arch::Maintenance;
pub use assembly::ASM_MACROS;
pub use callback::{Callback, CallbackError, CallbackFn, Site};
pub use image::Image;
pub use insn::Insn;
#[doc(hidden)]
pub use macros::__private;
pub use patch::ImageError;
pub use room::{PlannedWrite, Room};
