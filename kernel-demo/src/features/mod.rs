//! Code that differs from CPU to CPU, with a site for each difference; one subject per file.
//!
//! `checks` tests each function before and after the pass.

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

/// Features that each CPU enables when its cpucaps are decided, in this order.
pub static ENABLE: [Enable; 1] = [Enable {
    cap: PAN,
    run: user::enable_pan,
}];
