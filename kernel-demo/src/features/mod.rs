//! Code that a kernel runs in a different form on different CPUs: one subject per file, and a site
//! for each difference.
//!
//! Nothing here tests itself: `checks` runs each function before and after the pass.

pub mod atomic;
pub mod crc32;
pub mod crypto;
pub mod memory;
pub mod mitigations;
pub mod runtime_const;
pub mod spinlock;
pub mod user;

use alt_runtime::cap::Enable;

use crate::cpucaps::PAN;

/// What each CPU enables once its cpucaps are decided, in this order.
pub static ENABLE: [Enable; 1] = [Enable {
    cap: PAN,
    run: user::enable_pan,
}];
