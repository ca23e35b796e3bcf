//! Calls, by their number.

use super::services::SERVICES;
use crate::abi::status;

/// The answer to a call, in x0 and x1.
#[repr(C)]
pub struct Answer {
    status: u64,
    value: u64,
}

/// Calls the service of this number.
#[inline(never)]
pub extern "C" fn handle(service: u64, first: u64, second: u64) -> Answer {
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
