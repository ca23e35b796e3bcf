//! The services, and the dispatch of calls by their numbers.
//!
//! The table of services holds absolute addresses of data and functions, which the kernel corrects
//! once at boot.

mod sites;
mod state;

use crate::abi::{Service as Number, status};

/// A service that EL1 can call.
pub trait Service: Sync {
    /// Runs the service with these arguments, x1 and x2 of the call.
    fn run(&self, arguments: [u64; 2]) -> u64;
}

/// The services in the order of their numbers.
static SERVICES: [&dyn Service; Number::ALL.len()] = [
    &state::Identity,
    &sites::Caps,
    &sites::Count,
    &sites::Address,
    &sites::Offset,
    &sites::CacheType,
    &state::Exchange,
    &state::Element,
    &state::Read,
    &state::Clobber,
    &state::Register,
];

/// The answer to a call, x0 and x1.
#[repr(C)]
pub struct Answer {
    status: u64,
    value: u64,
}

/// Runs the service with this number.
#[inline(never)]
pub extern "C" fn dispatch(service: u64, first: u64, second: u64) -> Answer {
    let found = usize::try_from(service).ok().and_then(|n| SERVICES.get(n));
    match found {
        Some(service) => Answer {
            status: status::OK,
            value: service.run([first, second]),
        },
        None => Answer {
            status: status::UNKNOWN,
            value: service,
        },
    }
}
