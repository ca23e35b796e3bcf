//! The numbers of errors, for a kernel that does not format: `docs/errors.md` lists them.
//!
//! A number is never given to another error. The error's fields have the rest: site, cpucap, address.
//! The numbers of the modules above this one are in these modules.

use crate::boot::FinaliseError;
use crate::cap::{Conflict, DetectError, OverrideError};
use crate::finished::TableError;
use crate::patch::{AliasError, ImageError, PatchError, Reason};
use crate::region::TextError;
use crate::rendezvous::StopError;

impl DetectError {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Conflict { .. } => 101,
        }
    }
}

impl StopError {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Missing { .. } => 111,
            Self::AlreadyStopped => 112,
        }
    }
}

impl Reason {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::MisalignedSite => 201,
            Self::SiteOutsideText { .. } => 202,
            Self::Unsorted { .. } => 203,
            Self::Overlap { .. } => 204,
            Self::UnknownCap => 205,
            Self::ZeroLength => 206,
            Self::ReplacementTooLong { .. } => 207,
            Self::LengthsDiffer { .. } => 208,
            Self::DanglingAnd => 209,
            Self::ReplacementOutside { .. } => 210,
            Self::ReplacementOverlaps { .. } => 211,
            Self::UnexpectedWord { .. } => 212,
            Self::Breakpoint { .. } => 213,
            Self::BranchOutsideText { .. } => 214,
            Self::TargetsReplacements { .. } => 215,
            Self::CannotMove { .. } => 216,
            Self::Relaxed { .. } => 217,
            Self::UnregisteredCallback { .. } => 218,
            Self::CallbackLength { .. } => 219,
            Self::CallbackFailed { .. } => 220,
            Self::CallbackUnstable { .. } => 221,
            Self::CallbackWord { .. } => 222,
            Self::LeavesAliasedRange { .. } => 223,
            Self::RawTable => 224,
            Self::PlanTooSmall { .. } => 225,
            Self::Finished { error, .. } => error.code(),
        }
    }
}

impl TableError {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Version { .. } => 301,
            Self::Truncated { .. } => 302,
            Self::Header => 303,
            Self::Layout => 304,
            Self::Dictionary => 305,
            Self::Bucket => 306,
            Self::Run { .. } => 307,
            Self::OutsideDictionary => 308,
            Self::Sites { .. } => 309,
            Self::Text => 310,
            Self::Patched => 311,
        }
    }
}

impl ImageError {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Tables { .. } => 401,
            Self::Room { .. } => 402,
        }
    }
}

impl<A> PatchError<A> {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Plan(error) => error.reason.code(),
            Self::Image(error) => error.code(),
            Self::MappedApart => 411,
            Self::Alias(_) => 412,
            Self::WrongAlias(error) => error.code(),
            Self::ReadBack(_) => 414,
        }
    }
}

impl AliasError {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Differs { .. } => 413,
            Self::ReadOnly { .. } => 415,
        }
    }
}

impl TextError {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Empty => 421,
            Self::Order { .. } => 422,
            Self::TooLong { .. } => 423,
            Self::Alias { .. } => 424,
        }
    }
}

impl Conflict {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Lacks { .. } => 501,
            Self::Has { .. } => 502,
            Self::Differs { .. } => 503,
            Self::Caches { .. } => 504,
            Self::BuiltOn { .. } => 505,
            Self::Maintenance => 506,
        }
    }
}

impl OverrideError {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::UnknownWord => 601,
            Self::UnknownRegister => 602,
            Self::UnknownField(_) => 603,
            Self::NotANumber(_) => 604,
            Self::DoesNotFit(_) => 605,
            Self::NotSafe { .. } => 606,
            Self::MissingField(_) => 607,
            Self::Quoted => 608,
            Self::Identity(_) => 609,
            Self::KernelState(_) => 610,
            Self::NotOverridable(_) => 611,
            Self::TooMany => 612,
        }
    }
}

impl<A> FinaliseError<A> {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Detect(error) => error.code(),
            Self::Stop(error) => error.code(),
            Self::Patch(error) => error.code(),
        }
    }
}
