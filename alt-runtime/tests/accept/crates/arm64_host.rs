//! What the macros expand to for an arm64 host, compiled for a kernel's target so that the
//! assembler can be asked.

#![no_std]

/// Stands for alt-runtime.
mod fake {
    pub use alt_runtime::{Callback, cap};
    /// As alt-runtime has it on an arm64 host.
    macro_rules! __alt_here {
        (kernel { $($kernel:tt)* } arm64 { $($arm64:tt)* } elsewhere { $($elsewhere:tt)* }) => {
            $($arm64)*
        };
    }
    pub(crate) use __alt_here;
}

const LSE: alt_runtime::cap::Cap = alt_runtime::cap::Cap::new(3, true);

/// The default, with operands that only the arm uses, and an arm that cannot be assembled.
#[unsafe(no_mangle)]
pub fn site(n: u64) -> u64 {
    let out;
    // SAFETY: hints and a move.
    unsafe {
        alt_macros::alternative!(fake;
            "yield",
            "mov {out}, #1",
            LSE => "no such instruction {n}", "2: wfe", "mov {out}, {n}",
            n = in(reg) n,
            out = out(reg) out,
        );
    }
    out
}

/// No.
#[unsafe(no_mangle)]
pub fn branch() -> bool {
    alt_macros::cpu_has_cap!(fake; likely LSE)
}
