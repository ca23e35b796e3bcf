//! Outline atomics: the helpers that a compiler calls, and the one instruction of each.
//!
//! With `-C target-feature=+outline-atomics`, LLVM makes each atomic read-modify-write operation a
//! call such as `bl __aarch64_ldadd8_relax`. The arguments are already in the registers of the LSE
//! instruction that does the same.
//!
//! With the feature `atomics`, this crate defines all helpers. Each is a site: a loop of exclusives,
//! which becomes the LSE instruction and RET where the cpucap `LSE` is present. They need no flag in
//! memory, so they are correct before `.bss` is cleared, and they replace those of
//! `compiler_builtins` without any change to the kernel. `alt-ld` also makes each call a site, which
//! becomes the instruction itself. `docs/atomics.md` has the whole.
//!
//! The kernel's table of cpucaps must define `LSE`; [`cpucaps!`](crate::cpucaps!) refuses one
//! without it.

#[cfg(all(feature = "atomics", target_arch = "aarch64", target_os = "none"))]
mod helpers;

use core::fmt;

use crate::insn::Insn;

/// The prefix of the names of all helpers.
pub const PREFIX: &str = "__aarch64_";

/// The prefix of the name of the first word of a helper's replacement; the rest is that of the
/// helper.
pub const WORD_PREFIX: &str = "__alt_atomic_";

/// The absolute symbol whose value is the number of the kernel's cpucap `LSE`.
pub const CAP_SYMBOL: &str = "__alt_cpucap_LSE";

/// An atomic operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Compare and swap; also of 16 bytes.
    Cas,
    /// Swap.
    Swp,
    /// Add.
    Ldadd,
    /// AND with the complement.
    Ldclr,
    /// Exclusive OR.
    Ldeor,
    /// OR.
    Ldset,
}

/// The memory order of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// None.
    Relax,
    /// Acquire.
    Acq,
    /// Release.
    Rel,
    /// Acquire and release.
    AcqRel,
    /// A full barrier, as GCC's `__sync_…` have it. LLVM does not call these.
    Sync,
}

/// A helper.
///
/// ```
/// use alt_runtime::Insn;
/// use alt_runtime::atomics::Helper;
///
/// let helper = Helper::named("__aarch64_ldadd8_relax").unwrap();
/// // ldadd x0, x0, [x1]
/// assert_eq!(helper.insn(), Insn(0xf820_0020));
/// assert_eq!(Helper::all().count(), 125);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Helper {
    /// The operation.
    pub operation: Operation,
    /// The size of the value in bytes: 1, 2, 4, 8; 16 for [`Operation::Cas`] only.
    pub size: u8,
    /// Its memory order.
    pub order: Order,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 6] = [
        Self::Cas,
        Self::Swp,
        Self::Ldadd,
        Self::Ldclr,
        Self::Ldeor,
        Self::Ldset,
    ];

    /// The part of the helper's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cas => "cas",
            Self::Swp => "swp",
            Self::Ldadd => "ldadd",
            Self::Ldclr => "ldclr",
            Self::Ldeor => "ldeor",
            Self::Ldset => "ldset",
        }
    }

    /// The sizes that it has helpers for.
    const fn sizes(self) -> &'static [u8] {
        match self {
            Self::Cas => &[1, 2, 4, 8, 16],
            _ => &[1, 2, 4, 8],
        }
    }
}

impl Order {
    /// All orders.
    pub const ALL: [Self; 5] = [Self::Relax, Self::Acq, Self::Rel, Self::AcqRel, Self::Sync];

    /// The part of the helper's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Relax => "relax",
            Self::Acq => "acq",
            Self::Rel => "rel",
            Self::AcqRel => "acq_rel",
            Self::Sync => "sync",
        }
    }

    const fn acquires(self) -> u32 {
        matches!(self, Self::Acq | Self::AcqRel | Self::Sync) as u32
    }

    const fn releases(self) -> u32 {
        matches!(self, Self::Rel | Self::AcqRel | Self::Sync) as u32
    }
}

impl Helper {
    /// All helpers.
    pub fn all() -> impl Iterator<Item = Self> {
        Operation::ALL.into_iter().flat_map(|operation| {
            operation.sizes().iter().flat_map(move |&size| {
                Order::ALL.into_iter().map(move |order| Self {
                    operation,
                    size,
                    order,
                })
            })
        })
    }

    /// The helper with this symbol. The symbol may have the prefix of a namespace, such as a
    /// hypervisor's: the name begins with the last `__aarch64_`.
    pub fn named(symbol: &str) -> Option<Self> {
        let (_, name) = symbol.rsplit_once(PREFIX)?;
        let digit = name.find(|c: char| c.is_ascii_digit())?;
        let (operation, rest) = name.split_at_checked(digit)?;
        let (size, order) = rest.split_once('_')?;
        let size = size.parse().ok()?;
        let mut operations = Operation::ALL.into_iter();
        let operation = operations.find(|known| known.name() == operation)?;
        let mut orders = Order::ALL.into_iter();
        let order = orders.find(|known| known.name() == order)?;
        operation.sizes().contains(&size).then_some(Self {
            operation,
            size,
            order,
        })
    }

    /// The LSE instruction that does the same as a call (Arm ARM C6.2, CAS, CASP, SWP, LDADD, …).
    ///
    /// It takes its operands from the registers of the arguments and puts the old value into the
    /// register of the result. The destination is never XZR, which would make an acquire void.
    pub const fn insn(self) -> Insn {
        let (acquire, release) = (self.order.acquires(), self.order.releases());
        let scale = self.size.trailing_zeros();
        // Arguments of `cas`: expected X0, new X1, address X2; of 16 bytes, two registers for each
        // value and X4; of all others, operand X0 and address X1.
        let load_store = 0x3820_0000 | scale << 30 | acquire << 23 | release << 22 | 1 << 5;
        Insn(match (self.operation, self.size) {
            (Operation::Cas, 16) => 0x4820_7c00 | acquire << 22 | release << 15 | 4 << 5 | 2,
            (Operation::Cas, _) => {
                0x08a0_7c00 | scale << 30 | acquire << 22 | release << 15 | 2 << 5 | 1
            }
            (Operation::Swp, _) => load_store | 8 << 12,
            (Operation::Ldadd, _) => load_store,
            (Operation::Ldclr, _) => load_store | 1 << 12,
            (Operation::Ldeor, _) => load_store | 2 << 12,
            (Operation::Ldset, _) => load_store | 3 << 12,
        })
    }
}

impl fmt::Display for Helper {
    /// The name without the prefix: `ldadd8_relax`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            operation,
            size,
            order,
        } = self;
        write!(f, "{}{size}_{}", operation.name(), order.name())
    }
}
