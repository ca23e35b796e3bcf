//! The cargo profiles in which guests are built.

use std::fmt;

/// A cargo profile of the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Unoptimised.
    Dev,
    /// Optimised.
    Release,
    /// Optimised over all crates at once, one codegen unit.
    FatLto,
    /// Optimised for size, without LTO, many codegen units.
    Size,
    /// As [`FatLto`](Self::FatLto), many codegen units.
    FatLto16,
    /// Optimised by ThinLTO over all crates, one codegen unit.
    ThinLto1,
    /// As [`ThinLto1`](Self::ThinLto1), many codegen units.
    ThinLto16,
    /// Optimised without LTO, one codegen unit.
    NoLto1,
}

impl Profile {
    /// The profiles in which the demo is tested on all machines.
    pub const ALL: [Self; 4] = [Self::Dev, Self::Release, Self::FatLto, Self::Size];

    /// LTO fat, thin and off, each with 1 and 16 codegen units, to test that a kernel links.
    pub const LINKS: [Self; 6] = [
        Self::FatLto,
        Self::FatLto16,
        Self::ThinLto1,
        Self::ThinLto16,
        Self::NoLto1,
        Self::Size,
    ];

    /// All of these, each once.
    pub const TESTED: [Self; 8] = [
        Self::Dev,
        Self::Release,
        Self::FatLto,
        Self::Size,
        Self::FatLto16,
        Self::ThinLto1,
        Self::ThinLto16,
        Self::NoLto1,
    ];

    /// Its name in the workspace's `Cargo.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
            Self::FatLto => "fat-lto",
            Self::Size => "size",
            Self::FatLto16 => "fat-lto-16",
            Self::ThinLto1 => "thin-lto-1",
            Self::ThinLto16 => "thin-lto-16",
            Self::NoLto1 => "no-lto-1",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
