//! The numbers of errors, for a kernel that does not format: see `code.rs` of the crate.

use crate::livepatch::{
    self, ActionError, EntryError, LoadError, PayloadError, RelocationError, SegmentError,
    WalkError, WalkReason,
};

impl<M> LoadError<M> {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Busy => 831,
            Self::Payload(error) => error.code(),
            Self::OtherImage { .. } => 832,
            Self::AlreadyLoaded => 833,
            Self::Full { .. } => 834,
            Self::FunctionOutsideText { .. } => 835,
            Self::ExpectationOutsideText { .. } => 836,
            Self::LandingPad { .. } => 837,
            Self::Memory(_) => 838,
            Self::MisalignedMemory { .. } => 839,
            Self::OutOfReach { .. } => 840,
            Self::Relocation { error, .. } => error.code(),
            Self::Sites(error) => error.code(),
            Self::Refused { .. } => 841,
        }
    }
}

impl PayloadError {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Truncated { .. } => 851,
            Self::NotElf => 852,
            Self::Header { .. } => 853,
            Self::SegmentCount { .. } => 854,
            Self::Segment { error, .. } => error.code(),
            Self::NoText => 855,
            Self::NoDescription => 856,
            Self::Description { .. } => 857,
            Self::Magic => 858,
            Self::Version { .. } => 859,
            Self::Size { .. } => 860,
            Self::Flags { .. } => 861,
            Self::Nothing => 862,
            Self::Table { error, .. } => error.code(),
            Self::Entry { error, .. } => error.code(),
            Self::Hook { .. } => 863,
        }
    }
}

impl SegmentError {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Type { .. } => 871,
            Self::WritableAndExecutable => 872,
            Self::Flags { .. } => 873,
            Self::Twice => 874,
            Self::Order { .. } => 875,
            Self::Misaligned { .. } => 876,
            Self::Empty => 877,
            Self::Sizes { .. } => 878,
            Self::TooLarge { .. } => 879,
        }
    }
}

// The name alone is that of `finished::TableError` in the document.
impl livepatch::TableError {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Misaligned => 881,
            Self::Outside => 882,
            Self::NotText => 883,
        }
    }
}

impl EntryError {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Misaligned { .. } => 891,
            Self::Order { .. } => 892,
            Self::TooShort { .. } => 893,
            Self::OutsideText { .. } => 894,
            Self::NameOutside { .. } => 895,
            Self::NameNotText => 896,
            Self::Flags { .. } => 897,
            Self::Words { .. } => 898,
            Self::UnknownRelocation { .. } => 899,
            Self::UnknownBase { .. } => 900,
            Self::PlaceOutside { .. } => 901,
            Self::TargetOutside { .. } => 902,
            Self::Relocation(error) => error.code(),
            Self::EmptySite => 903,
        }
    }
}

impl RelocationError {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::WrongInstruction { .. } => 911,
            Self::OutOfReach(_) => 912,
            Self::TooFar { .. } => 913,
            Self::Misaligned { .. } => 914,
        }
    }
}

impl<A> ActionError<A> {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Busy => 811,
            Self::Unknown => 812,
            Self::WrongState { .. } => 813,
            Self::WrongParent { .. } => 814,
            Self::NotLast { .. } => 815,
            Self::Used => 816,
            Self::Refused { .. } => 817,
            Self::Stop(error) => error.code(),
            Self::Word { .. } => 818,
            Self::Expectation { .. } => 819,
            Self::Calls(_) => 820,
            Self::Stack(error) => error.code(),
            Self::Patch(error) => error.code(),
            Self::InUse => 821,
        }
    }
}

impl WalkError {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        self.reason.code()
    }
}

impl WalkReason {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Misaligned => 801,
            Self::OutsideStack => 802,
            Self::Backwards => 803,
            Self::TooManyStacks => 804,
        }
    }
}
