//! What refers to what: relocations that the linker kept (`--emit-relocs`).

/// `R_AARCH64_ABS64`: ELF for the Arm 64-bit Architecture, 5.7.
pub const ABS64: u32 = 257;

/// A reference from one place to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// The address of the field or instruction that refers.
    pub at: u64,
    /// `R_AARCH64_…` (ELF for the Arm 64-bit Architecture, "Relocation types").
    pub kind: u32,
    /// The address it refers to: symbol plus addend.
    pub target: u64,
    /// The name of the symbol, mangled; empty for a section.
    pub symbol: String,
}
