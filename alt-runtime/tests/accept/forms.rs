//! The forms of the two macros. A line `//= ` above a function says what record
//! it must have: `SITE: CONDITION => REPLACEMENT`, with cpucaps by number.
//! No two are alike, or the optimiser makes them one.

#![no_std]
#![deny(warnings, missing_docs, unsafe_op_in_unsafe_fn)]

use alt_runtime::{CallbackError, Insn, Site, alternative, alternative_cb, callback, cpu_has_cap};

/// Cpucaps, one of which the kernel's configuration rules out.
pub mod cpucaps {
    use alt_runtime::cap::Cap;
    /// Possible.
    pub const LSE: Cap = Cap::new(3, true);
    /// Possible.
    pub const SB: Cap = Cap::new(255, true);
    /// Named like an operand.
    pub const OUT: Cap = Cap::new(7, true);
    /// Never there.
    pub const NEVER: Cap = Cap::new(9, false);
}
use cpucaps::{LSE, NEVER, OUT as out, SB};

macro_rules! site {
    ($(#[$doc:meta])* $name:ident: $($tokens:tt)*) => {
        $(#[$doc])*
        #[unsafe(no_mangle)]
        pub fn $name() {
            // SAFETY: hints.
            unsafe { alternative!($($tokens)*) }
        }
    };
}

// # Arms

//= nop: 3 => yield
site! { /** One arm. */ one: "nop", LSE => "yield" }
//= nop nop: 3 => yield
//= nop nop: 255 => sev wfe
site! { /** The first that holds is taken. */ two: "nop", "nop", LSE => "yield", SB => "sev", "wfe" }
//= nop nop: 3 => sev
site! { /** By path. */ path: "nop\nnop", self::cpucaps::LSE => "sev", }
//= nop: 7 => sev
site! { /** A cpucap named like an operand. */ keyword: "nop", out => "sev", options(nomem) }
//= nop: 3 => yield
//= nop: 3 => sev
site! { /** The same twice. */ same: "nop", LSE => "yield", LSE => "sev" }
//= nop nop: 3 => b nop
site! { /** A branch inside the arm. */ inside: "nop", "nop", LSE => "b 2f", "2: nop" }

//= nop nop nop nop: 3 => yield
site! { /** Length of a default that is aligned. */ aligned: ".balign 16", "nop", ".balign 16", LSE => "yield" }

// # Conditions

//= nop: !3 => yield
site! { /** Absent. */ not: "nop", !LSE => "yield" }
//= nop: 3& => yield
//= nop: 255 => yield
site! { /** Both. */ and: "nop", LSE & SB => "yield" }
//= nop: 3 => yield
//= nop: 255 => yield
site! { /** Either, with one replacement. */ or: "nop", LSE | SB => "yield" }
//= nop: 3& => yield
//= nop: !255 => yield
//= nop: !3& => yield
//= nop: 7& => yield
//= nop: 255 => yield
site! { /** Stronger `&`. */ and_or: "nop", LSE & !SB | !LSE & out & SB => "yield" }

// # Cpucaps that configuration rules out

site! { /** No record, no replacement. */ never: "nop", NEVER => "yield" }
site! { /** Nor with another. */ never_and: "nop", NEVER & LSE => "yield" }
//= nop: !9 => yield
site! { /** An impossible cpucap is absent. */ not_never: "nop", !NEVER => "yield" }
//= nop: 255 => yield
site! { /** Only the possible way. */ never_or: "nop", NEVER & LSE | SB => "yield" }
//= nop: 3 => sev
site! { /** Only the possible arm. */ never_arm: "nop", NEVER => "yield", LSE => "sev" }
/// A constant.
#[unsafe(no_mangle)]
pub fn has_never() -> bool {
    cpu_has_cap!(likely NEVER)
}
/// A constant.
#[unsafe(no_mangle)]
pub fn has_never_and() -> bool {
    cpu_has_cap!(unlikely LSE & NEVER)
}

// # Callbacks

fn fill(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    words.fill(Insn::NOP);
    Ok(())
}
callback! {
    /// A callback with a name that the test knows.
    #[unsafe(no_mangle)]
    pub static FILL = fill;
    /// No site names it.
    #[unsafe(no_mangle)]
    pub static UNUSED = |_, _| Ok(());
}
/// And one in a module.
pub mod inner {
    alt_runtime::callback! {
        /// As a closure.
        #[unsafe(no_mangle)]
        pub(super) static INNER = |_, _| Ok(());
    }
}
callback! {
    /// Of another image, which the linker adds to this one.
    // SAFETY: this is an object file, which nobody links.
    pub unsafe extern static ELSEWHERE;
}
macro_rules! site_cb {
    ($(#[$doc:meta])* $name:ident: $($tokens:tt)*) => {
        $(#[$doc])*
        #[unsafe(no_mangle)]
        pub fn $name() {
            // SAFETY: hints.
            unsafe { alternative_cb!($($tokens)*) }
        }
    };
}
//= nop yield: 3 => FILL
site_cb! { /** One. */ cb: "nop", "yield", LSE => FILL }
//= nop sev: 3 => INNER
site_cb! { /** By path. */ cb_path: "nop", "sev", LSE => inner::INNER, options(nomem) }
//= nop isb: 3 => ELSEWHERE
site_cb! { /** One that is elsewhere. */ cb_elsewhere: "nop", "isb", LSE => ELSEWHERE }
//= nop wfe: 3 => nops
site_cb! { /** None. */ cb_nops: "nop", "wfe", LSE => nops }
//= sev sev: 3& => FILL
//= sev sev: !255 => FILL
//= sev sev: 7 => FILL
//= sev sev: !3 => nops
//= sev sev: 255 => yield wfe
site_cb! { /** Every kind of arm. */ cb_any: "sev", "sev", LSE & !SB | out => FILL, !LSE => nops, SB => "yield", "wfe" }
//= wfe sev: !9 => FILL
//= wfe sev: 3 => yield
site_cb! { /** What configuration rules out. */ cb_never: "wfe", "sev", NEVER => FILL, NEVER => nops, !NEVER => FILL, LSE => concat!("yie", "ld") }

// # Sections of the user's own

//= nop isb: 3 => yield
site! { /** A table beside the site, as for faults. */ own_section:
"nop", ".pushsection own, \"a\"", ".long 7f - .", ".popsection", "7: isb", LSE => "yield" }
//= nop: 3 => yield
site! { /** And beside the replacement. */ own_section_in_arm:
"nop", LSE => ".pushsection own, \"a\"", ".long 1", ".popsection", "yield" }

// # Branches

//= b: 3 likely
/// Falls through when present.
#[unsafe(no_mangle)]
pub fn likely() -> u32 {
    if cpu_has_cap!(likely LSE) { 1 } else { 2 }
}
//= nop: 3
/// Falls through when absent.
#[unsafe(no_mangle)]
pub fn unlikely() -> u32 {
    if cpu_has_cap!(unlikely cpucaps::LSE) {
        3
    } else {
        4
    }
}
//= nop: !3
/// Absent.
#[unsafe(no_mangle)]
pub fn branch_not() -> bool {
    cpu_has_cap!(unlikely !LSE)
}
//= b: 3& likely
//= b: 255 likely
//= b: !7 likely
/// Compound.
#[unsafe(no_mangle)]
pub fn branch_and_or() -> bool {
    cpu_has_cap!(likely LSE & SB | !out)
}
//= nop: 3
//= b: 255 likely
/// Two in one function, one in the other's arm.
#[unsafe(no_mangle)]
pub fn nested() -> u32 {
    if cpu_has_cap!(unlikely LSE) {
        if cpu_has_cap!(likely SB) { 1 } else { 2 }
    } else {
        3
    }
}
//= nop: 3
//= nop: 3 => yield
/// A target behind the site.
#[unsafe(no_mangle)]
pub fn in_loop(n: u32) -> u32 {
    let mut sum = 0u32;
    for i in 0..n {
        if cpu_has_cap!(unlikely LSE) {
            continue;
        }
        // SAFETY: hints.
        unsafe { alternative!("nop", LSE => "yield") };
        sum = sum.wrapping_add(i);
    }
    sum
}
//= cbz: 3 => b
/// A label that continues a loop.
#[unsafe(no_mangle)]
pub fn continue_label(n: u64) -> u64 {
    let mut i = n;
    loop {
        i = i.wrapping_sub(3);
        // SAFETY: a branch to the label.
        unsafe {
            alternative!("cbz {i}, {next}", LSE => "b {next}", i = in(reg) i, next = label { continue })
        };
        return i;
    }
}

// # Where they stand

/// Inlined.
#[inline(always)]
fn inlined(n: u64) {
    // SAFETY: a hint.
    unsafe { alternative!("nop // {0}", LSE => "yield", in(reg) n) }
}
//= nop: 3 => yield
//= nop: 3 => yield
/// Two copies of one site, each with its record.
#[unsafe(no_mangle)]
pub extern "C" fn inlines() {
    inlined(1);
    inlined(2);
}

/// Once for each `N`.
#[inline(always)]
fn generic<const N: u32, T>() -> usize {
    // SAFETY: a hint.
    unsafe { alternative!("nop // {n}", LSE => "hint {n}", n = const N) };
    if cpu_has_cap!(unlikely SB) {
        N as usize
    } else {
        size_of::<T>()
    }
}
//= nop: 3 => yield
//= nop: 255
//= nop: 3 => sev
//= nop: 255
/// Two instances.
#[unsafe(no_mangle)]
pub fn instances() -> usize {
    generic::<1, u8>() + generic::<4, u64>()
}

struct Named;
impl Named {
    const CAP: alt_runtime::cap::Cap = LSE;
    #[inline(always)]
    fn own(&self) -> bool {
        cpu_has_cap!(unlikely Self::CAP)
    }
}
//= nop: 3
/// An associated constant.
#[unsafe(no_mangle)]
pub fn associated() -> bool {
    Named.own()
}

macro_rules! fragments {
    ($default:expr, $cap:path, $arm:literal, $value:expr) => {
        alternative!($default, $cap => $arm, concat!("", $arm), n = const $value)
    };
}
//= nop nop: 3 => yield yield
/// The fragments of a `macro_rules!`.
#[unsafe(no_mangle)]
pub fn from_macro() {
    // SAFETY: hints.
    unsafe { fragments!("nop\nnop", cpucaps::LSE, "hint {n}", 1) }
}
macro_rules! has {
    ($hint:ident $cap:path) => {
        cpu_has_cap!($hint $cap)
    };
}
//= b: 3 likely
/// The same for a branch.
#[unsafe(no_mangle)]
pub fn branch_from_macro() -> bool {
    has!(likely cpucaps::LSE)
}
//= nop: 3
//= nop: 3 => yield
/// Sites as expressions.
#[unsafe(no_mangle)]
pub fn in_expression(n: u32) -> u32 {
    match cpu_has_cap!(unlikely LSE) {
        true => n,
        // SAFETY: a hint.
        false => unsafe { alternative!("nop", LSE => "yield") == () }.into(),
    }
}
