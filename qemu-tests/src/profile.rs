//! The profiles in which guests are built.

use std::fmt;

/// How cargo compiles and links a guest.
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

    /// Its name.
    pub const fn name(self) -> &'static str {
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

    /// The profile of cargo: `dev`, or `release` with [`settings`](Self::settings).
    pub const fn of_cargo(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            _ => "release",
        }
    }

    /// Settings that replace those of the workspace's `Cargo.toml`, as variables of cargo.
    ///
    /// They are not profiles in that file, because cargo builds each profile in a separate folder, with its
    /// own build scripts and proc macros, which are the same for all of these.
    pub const fn settings(self) -> &'static [(&'static str, &'static str)] {
        const DEBUG: (&str, &str) = ("CARGO_PROFILE_RELEASE_DEBUG", "false");
        const ONE: (&str, &str) = ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1");
        const MANY: (&str, &str) = ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        const FAT: (&str, &str) = ("CARGO_PROFILE_RELEASE_LTO", "fat");
        const THIN: (&str, &str) = ("CARGO_PROFILE_RELEASE_LTO", "thin");
        const OFF: (&str, &str) = ("CARGO_PROFILE_RELEASE_LTO", "off");
        const SMALL: (&str, &str) = ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s");
        match self {
            Self::Dev | Self::Release => &[],
            Self::FatLto => &[FAT, ONE, DEBUG],
            Self::FatLto16 => &[FAT, MANY, DEBUG],
            Self::ThinLto1 => &[THIN, ONE, DEBUG],
            Self::ThinLto16 => &[THIN, MANY, DEBUG],
            Self::NoLto1 => &[OFF, ONE, DEBUG],
            Self::Size => &[OFF, MANY, DEBUG, SMALL],
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// LTO fat, thin and off, each with 1 and 16 codegen units.
    #[test]
    fn links_are_all_combinations() {
        let found: BTreeSet<_> = Profile::LINKS
            .iter()
            .map(|profile| (profile.settings()[0], profile.settings()[1]))
            .collect();
        let lto = ["fat", "thin", "off"].map(|lto| ("CARGO_PROFILE_RELEASE_LTO", lto));
        let units = ["1", "16"].map(|units| ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", units));
        let all = lto.iter().flat_map(|lto| units.map(|units| (*lto, units)));
        assert_eq!(found, all.collect());
    }
}
