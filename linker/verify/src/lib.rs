//! Rules that a linked image must obey before it boots.

mod check;
#[path = "../../src/mutate.rs"]
pub mod mutate;
#[path = "../../src/seal.rs"]
pub mod seal;
#[path = "../../src/verify/mod.rs"]
mod verify;

use alt_image::{caps, code, disasm, graph, hex, image, load as loaded, names, patching, records};
/// The names of `alt_linker::namespace` before it had them.
mod hyp {
    pub use alt_linker::namespace::Name;
    pub mod manifest {
        pub use alt_linker::namespace::{
            AllowKind as Kind, Allowed, Embedded, Manifest, SECTION, X18,
        };
    }
}
use alt_object::encodings;

pub use check::{CheckError, check_image, check_image_by};
pub use verify::*;
