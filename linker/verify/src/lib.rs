//! Rules that a linked image must obey before it boots.

mod check;
#[path = "../../src/mutate.rs"]
pub mod mutate;
#[path = "../../src/seal.rs"]
pub mod seal;
#[path = "../../src/verify/mod.rs"]
mod verify;

use alt_image::{caps, code, disasm, graph, hex, image, loaded, names, patching, records};
use alt_linker::hyp;
use alt_object::encodings;

pub use check::{CheckError, check_image, check_image_by};
pub use verify::*;
