//! What each CPU switches on once its cpucaps are decided.

use alt_runtime::cap::Enable;

use crate::checks::user;
use crate::cpucaps::PAN;

/// The hooks, in the order in which they run.
pub static ENABLE: [Enable; 1] = [Enable {
    cap: PAN,
    run: user::enable,
}];
