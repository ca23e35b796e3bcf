//! Why there is nothing to dump.

use crate::patching::HostError;

/// The sites that were asked for cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// The image cannot be given to the patcher.
    #[error(transparent)]
    Host(#[from] HostError),
    /// There is no such cpucap.
    #[error("no cpucap is called {asked}: {there}")]
    UnknownCap {
        /// What was asked for.
        asked: String,
        /// What is there instead.
        there: String,
    },
    /// No site asks for the cpucap.
    #[error("no site asks for the cpucap {asked}: {there}")]
    CapWithoutSite {
        /// The cpucap.
        asked: String,
        /// What is there instead.
        there: String,
    },
    /// There is no such symbol.
    #[error("there is neither a symbol nor an address {asked} (addresses begin with 0x): {there}")]
    UnknownSymbol {
        /// What was asked for.
        asked: String,
        /// What is there instead.
        there: String,
    },
    /// The function has no site.
    #[error("no site is in {asked}: {there}")]
    SymbolWithoutSite {
        /// The symbol.
        asked: String,
        /// What is there instead.
        there: String,
    },
    /// The address is in no site.
    #[error("no site is at {address:#x}: {there}")]
    NoSiteAt {
        /// The address.
        address: u64,
        /// What is there instead.
        there: String,
    },
    /// Both filters match, but no site matches both.
    #[error("none of the sites of {site} asks for the cpucap {cap}: {there}")]
    NotBoth {
        /// The place that was asked for.
        site: String,
        /// The cpucap.
        cap: String,
        /// What the sites there ask for.
        there: String,
    },
}
