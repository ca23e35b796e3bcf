//! Errors of dumping.

use crate::patching::HostError;

/// The selected sites cannot be dumped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// The image cannot be given to the patcher.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The cpucap does not exist.
    #[error("there is no cpucap {asked}: {there}")]
    UnknownCap {
        /// The requested name.
        asked: String,
        /// The alternatives, for the message.
        there: String,
    },
    /// No site depends on the cpucap.
    #[error("no site depends on the cpucap {asked}: {there}")]
    CapWithoutSite {
        /// The cpucap.
        asked: String,
        /// The alternatives, for the message.
        there: String,
    },
    /// The symbol does not exist.
    #[error("there is neither a symbol nor an address {asked} (addresses begin with 0x): {there}")]
    UnknownSymbol {
        /// The requested name.
        asked: String,
        /// The alternatives, for the message.
        there: String,
    },
    /// The function has no site.
    #[error("no site is in {asked}: {there}")]
    SymbolWithoutSite {
        /// The symbol.
        asked: String,
        /// The alternatives, for the message.
        there: String,
    },
    /// The address is in no site.
    #[error("no site is at {address:#x}: {there}")]
    NoSiteAt {
        /// The address.
        address: u64,
        /// The alternatives, for the message.
        there: String,
    },
    /// Several symbols have the name, and a site is at that offset of more than one.
    #[error("{asked} is the place of several sites; give the address of one: {there}")]
    Ambiguous {
        /// The requested place.
        asked: String,
        /// The sites.
        there: String,
    },
    /// No site that is otherwise selected has the kind and the section.
    #[error("no such site has the kind and the section; kinds: {kinds}; sections: {sections}")]
    NothingLeft {
        /// The kinds of the other sites.
        kinds: String,
        /// The sections of the other sites.
        sections: String,
    },
    /// Both filters match, but no site matches both.
    #[error("no site of {site} depends on the cpucap {cap}: {there}")]
    NotBoth {
        /// The requested place.
        site: String,
        /// The cpucap.
        cap: String,
        /// The cpucaps of the sites there.
        there: String,
    },
}
