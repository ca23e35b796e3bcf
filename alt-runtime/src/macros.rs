//! The macros of sites and tables.
//!
//! Each passes its `$crate` to the proc macro of the same name, so that the expansion finds this
//! crate also where it is renamed or re-exported: a hardware layer may re-export the macros, and
//! its drivers need no dependency of their own.

/// The expansions of the macros below refer to this module; not for users.
#[doc(hidden)]
pub mod __private {
    pub use alt_macros::{alternative, alternative_cb, cpu_has_cap, cpucaps, length_checks};

    /// Makes a site unsafe on a host too, where a block replaces `asm!`.
    ///
    /// # Safety
    /// None is needed: it does nothing.
    #[inline(always)]
    pub const unsafe fn in_place_of_asm() {}
}

/// Instructions in the text, and their replacements under conditions.
///
/// First come the default instructions, as in [`asm!`](core::arch::asm): they run
/// until the patch, and afterwards if no arm applies. Then the arms,
/// `CONDITION => "instructions"`: the first one whose condition holds
/// replaces the default. Then the operands of `asm!`, shared by all variants.
///
/// ```
/// use core::sync::atomic::{AtomicU64, Ordering};
///
/// use alt_runtime::{alternative, cap::Cap};
///
/// // A kernel has these from `cpucaps!`.
/// const LSE: Cap = Cap::new(0, true);
///
/// /// Adds to a counter, and returns its old value.
/// fn fetch_add(counter: &AtomicU64, n: u64) -> u64 {
///     let old;
///     // SAFETY: each variant adds `n` in one atomic step.
///     unsafe {
///         alternative!(
///             "2: ldxr {old}, [{counter}]",
///             "   add  {new}, {old}, {n}",
///             "   stxr {failed:w}, {new}, [{counter}]",
///             "   cbnz {failed:w}, 2b",
///             LSE => ".arch_extension lse", "ldadd {n}, {old}, [{counter}]",
///             host => { old = counter.fetch_add(n, Ordering::Relaxed) },
///             counter = in(reg) counter.as_ptr(),
///             n = in(reg) n,
///             old = out(reg) old,
///             new = out(reg) _,
///             failed = out(reg) _,
///             options(nostack, preserves_flags),
///         );
///     }
///     old
/// }
/// # let counter = AtomicU64::new(40);
/// # assert_eq!((fetch_add(&counter, 2), counter.into_inner()), (40, 42));
/// ```
///
/// # Conditions and lengths
///
/// A condition is the name of a cpucap, or `!A`, `A & B`, `A | B` (`&` binds
/// stronger). An arm may be shorter than the default, and is then filled up with
/// NOPs or a branch; it may not be longer. An instruction of an extension needs
/// `.arch_extension` in front of it, in its arm.
///
/// # Contents of an arm
///
/// An arm is stored apart, and moved to the site by the patch. PC-relative instructions
/// are re-aimed. They may refer to the arm itself and to anything in the kernel within
/// their reach, but not to data among the arms, which is freed after boot: literal
/// pools (`ldr x0, =…`), literals of the arm's own, alignment, and instructions that sign
/// with their own address are errors. An arm with an instruction of short reach (`cbz`,
/// `tbz`, `b.eq`, `adr`, …) to something outside it is kept at the end of its function.
/// Where macros make up the text of an arm, neither is seen; `alt verify` sees both in the
/// image.
///
/// A label of an arm has its address among the stored arms. `alt_at_site_long LABEL` and
/// `alt_at_site_quad LABEL` put down the address that it has at the site, for an exception
/// table: the distance from the 4 bytes that hold it, or 8 bytes of address. `docs/assembly.md`
/// has an example.
///
/// # On a host
///
/// A crate with sites may be tested on a host. What runs there in the place of the site is
/// the block after `host =>`; operands are not evaluated, but their variables are in scope.
/// Without one, an arm64 host runs the default, and any other has an error that says so.
///
/// # Safety
///
/// Like `asm!` it is unsafe, and each variant must keep to what the operands and
/// options say. Do not let a variant leave a mark that another would not
/// understand, such as an exclusive monitor held across two sites: the text
/// changes between them.
///
/// # Limits
///
/// A BRK or HLT in the default is refused before the first pass, as a debugger's would be.
///
/// `options(pure)` is refused: the compiler would merge a site before the patch
/// with one after it. All variants are one template to `asm!`: a `{}` counts on
/// from variant to variant, so write `{0}` or a name. The labels 9061 to 9067 are
/// used by the macro.
#[macro_export]
macro_rules! alternative {
    ($($tokens:tt)*) => {
        $crate::__private::alternative!($crate; $($tokens)*)
    };
}

/// Instructions that a callback computes, or that become NOPs, under a condition.
///
/// As [`alternative!`], except that the tokens after the `=>` of an arm may also be
///
/// - the path of a static defined by [`callback!`](crate::callback!): that
///   [`Callback`](crate::Callback) fills the words of the site when the arm's condition holds;
/// - `nops`: the site becomes NOPs, more than three of them after a branch over
///   them.
///
/// Neither stores any instructions in the image.
///
/// ```
/// use alt_runtime::{CallbackError, Insn, Site, alternative_cb, callback, cap::Cap};
///
/// // A kernel has these from `cpucaps!`.
/// const VHE: Cap = Cap::new(0, true);
/// const ALWAYS: Cap = Cap::new(1, true);
///
/// fn mask(site: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
///     let register = site.words().first().map_or(0, |word| word.rd());
///     words.fill(Insn::NOP);
///     words[0] = Insn::and_immediate(register, register, 0xffff_ffff)?;
///     Ok(())
/// }
///
/// callback! {
///     /// Masks an address as the hypervisor sees it.
///     pub static HYP_ADDRESS_MASK = mask;
/// }
///
/// fn masked(address: u64) -> u64 {
///     let masked;
///     // SAFETY: each variant computes on one register.
///     unsafe {
///         alternative_cb!(
///             "and {p}, {p}, #1",
///             "nop",
///             VHE => nops,
///             ALWAYS => HYP_ADDRESS_MASK,
///             host => { masked = address },
///             p = inout(reg) address => masked,
///             options(nomem, nostack, preserves_flags),
///         );
///     }
///     masked
/// }
/// # assert_eq!(masked(5), 5);
/// ```
///
/// The site has the length of the default: write as many instructions there as the
/// callback may need. They run until the patch, and the callback finds in them the
/// registers that the compiler chose ([`Insn::rd`](crate::Insn::rd),
/// [`Insn::rn`](crate::Insn::rn)).
#[macro_export]
macro_rules! alternative_cb {
    ($($tokens:tt)*) => {
        $crate::__private::alternative_cb!($crate; $($tokens)*)
    };
}

/// A `bool`: whether the system has a cpucap. One instruction, NOP or B.
///
/// `cpu_has_cap!(likely CAP)` falls through when the cpucap is present,
/// `cpu_has_cap!(unlikely CAP)` when it is absent. Conditions are written as in
/// [`alternative!`]. Until the patch the answer is `false`; a cpucap that the
/// kernel's configuration rules out is a constant `false` and leaves no trace in
/// the image.
///
/// ```
/// use alt_runtime::{cap::Cap, cpu_has_cap};
///
/// // A kernel has these from `cpucaps!`.
/// const CRC32: Cap = Cap::new(0, true);
///
/// if cpu_has_cap!(likely CRC32) {
///     // Use the instructions.
/// }
/// # assert!(!cpu_has_cap!(likely CRC32));
/// ```
///
/// The branch can reach ±128 KiB, within one function. In a program for a host the answer
/// is `false`.
#[macro_export]
macro_rules! cpu_has_cap {
    ($($tokens:tt)*) => {
        $crate::__private::cpu_has_cap!($crate; $($tokens)*)
    };
}

/// Turns the kernel's table of cpucaps, a TOML file, into constants and a
/// [`CapTable`](crate::cap::CapTable) named `TABLE`.
///
/// The path is relative to the directory of the package's `Cargo.toml`.
///
/// ```
/// mod cpucaps {
///     alt_runtime::cpucaps!("cpucaps.toml");
/// }
///
/// assert!(cpucaps::TABLE.get(cpucaps::LSE.number()).is_some());
/// ```
#[macro_export]
macro_rules! cpucaps {
    ($($tokens:tt)*) => {
        $crate::__private::cpucaps! { $crate; $($tokens)* }
    };
}

/// Selects one of three expansions by the target: a kernel, a program on an arm64 host, a program
/// on another host.
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_here {
    (kernel { $($kernel:tt)* } arm64 { $($arm64:tt)* } elsewhere { $($elsewhere:tt)* }) => {
        $($kernel)*
    };
}

#[cfg(all(target_arch = "aarch64", not(target_os = "none")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_here {
    (kernel { $($kernel:tt)* } arm64 { $($arm64:tt)* } elsewhere { $($elsewhere:tt)* }) => {
        $($arm64)*
    };
}

#[cfg(not(target_arch = "aarch64"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_here {
    (kernel { $($kernel:tt)* } arm64 { $($arm64:tt)* } elsewhere { $($elsewhere:tt)* }) => {
        $($elsewhere)*
    };
}
