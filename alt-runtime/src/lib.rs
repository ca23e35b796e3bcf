//! Boot-time code patching by CPU capability for arm64 kernels written in Rust.
//!
//! A kernel must run on every arm64 CPU and still use what the CPU at hand can
//! do. With this crate it says both at the place where it matters, and its text
//! is rewritten once, at boot, when the cpucaps are known:
//!
//! ```ignore
//! mod cpucaps {
//!     alt_runtime::cpucaps!("cpucaps.toml");
//! }
//! use cpucaps::{LSE, SB};
//!
//! // Instructions, and what they become where SB is present.
//! unsafe {
//!     alternative!(
//!         "dsb nsh",
//!         "isb",
//!         SB => ".arch_extension sb", "sb",
//!         options(nostack, preserves_flags),
//!     )
//! };
//! // A branch on a cpucap: one instruction, no flag in memory.
//! if cpu_has_cap!(likely LSE) { /* … */ }
//! ```
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
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod further;
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod image;
pub mod insn;
pub mod patch;
pub mod pointers;
pub mod record;
pub mod region;
pub mod rendezvous;
#[cfg(feature = "shadow-call-stack")]
pub mod shadow_call_stack;

pub use arch::{Maintenance, Write};
pub use assembly::ASM_MACROS;
pub use callback::{Callback, CallbackError, CallbackFn, Site};
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
pub use image::Image;
pub use insn::Insn;

/// Instructions in the text, and what they become under a condition.
///
/// First come the default instructions, as in [`asm!`](core::arch::asm): they run
/// until the patch, and afterwards wherever no arm applies. Then the arms,
/// `CONDITION => "instructions"`, of which the first whose condition holds
/// replaces the default. Then the operands of `asm!`, shared by all variants.
///
/// A condition is the name of a cpucap, or `!A`, `A & B`, `A | B` (`&` binds
/// stronger). An arm may be shorter than the default, and is then filled up with
/// NOPs or a branch; it may not be longer. An instruction of an extension needs
/// `.arch_extension` in front of it, in its arm.
///
/// Like `asm!` it is unsafe, and each variant must keep to what the operands and
/// options say. Do not let a variant leave a mark that another would not
/// understand, such as an exclusive monitor held across two sites: the text
/// changes between them.
///
/// PC-relative instructions of an arm are re-aimed when they move to the site.
/// They may refer to the arm itself and to anything in the kernel within their
/// reach, but not to data among the arms (`ldr x0, =…`, literal pools), which is
/// given back after boot. An arm with a short one (`cbz`, `tbz`, `b.eq`, `adr`, …) to
/// something outside it is kept at the end of its function; where macros make up the
/// text of the arm, that is not seen, and the linker may find the target out of range.
///
/// ```ignore
/// let old: u32;
/// unsafe {
///     alternative!(
///         "2: ldxr {old:w}, [{p}]",
///         "   add  {new:w}, {old:w}, {n:w}",
///         "   stxr {s:w}, {new:w}, [{p}]",
///         "   cbnz {s:w}, 2b",
///         LSE => ".arch_extension lse", "ldadd {n:w}, {old:w}, [{p}]",
///         p = in(reg) counter.as_ptr(),
///         n = in(reg) n,
///         old = out(reg) old,
///         new = out(reg) _,
///         s = out(reg) _,
///         options(nostack, preserves_flags),
///     )
/// };
/// ```
///
/// `options(pure)` is refused: the compiler would merge a site before the patch
/// with one after it. All variants are one template to `asm!`: a `{}` counts on
/// from variant to variant, so write `{0}` or a name. The labels 9061 to 9067 are
/// used by the macro.
pub use alt_macros::alternative;

/// Instructions that a callback computes, or that become NOPs, under a condition.
///
/// As [`alternative!`], except that what follows the `=>` of an arm may also be
///
/// - the path of a static defined by [`callback!`]: that [`Callback`] fills the
///   words of the site when the arm's condition holds;
/// - `nops`: the site becomes NOPs, more than three of them behind a branch over
///   them.
///
/// Neither stores any instructions in the image.
///
/// ```ignore
/// let masked: u64;
/// unsafe {
///     alternative_cb!(
///         "and {p}, {p}, #1",
///         "ror {p}, {p}, #1",
///         "add {p}, {p}, #0",
///         "add {p}, {p}, #0, lsl #12",
///         "ror {p}, {p}, #63",
///         VHE => nops,
///         ALWAYS_SYSTEM => HYP_ADDRESS_MASK,
///         p = inout(reg) address => masked,
///         options(nomem, nostack, preserves_flags),
///     )
/// };
/// ```
///
/// The site has the length of the default: write as many instructions there as the
/// callback may need. They run until the patch, and the callback finds in them the
/// registers that the compiler chose ([`Insn::rd`], [`Insn::rn`]).
pub use alt_macros::alternative_cb;

/// A `bool`: whether the system has a cpucap. One instruction, NOP or B.
///
/// `cpu_has_cap!(likely CAP)` falls through when the cpucap is present,
/// `cpu_has_cap!(unlikely CAP)` when it is absent. Conditions are written as in
/// [`alternative!`]. Until the patch the answer is `false`; a cpucap that the
/// kernel's configuration rules out is a constant `false` and leaves no trace in
/// the image.
///
/// The branch can reach ±128 KiB, within one function.
pub use alt_macros::cpu_has_cap;

/// Turns the kernel's table of cpucaps, a TOML file, into constants and a
/// [`CapTable`](cap::CapTable) named `TABLE`.
pub use alt_macros::cpucaps;
