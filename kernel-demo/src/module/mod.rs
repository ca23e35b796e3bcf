//! The module loader: code that is loaded while the kernel runs, and patched before it can execute.
//!
//! While a module is loaded, its pages are readable and writable only. The loader copies the sections
//! and applies the relocations ([`demo_object`]), makes a [`Region`](alt_runtime::region::Region)
//! of them and patches it with the kernel's own decision (`load`). Then the text becomes executable,
//! and it is not writable again while the module is loaded. After any error the pages are free again
//! and have never been executable.

pub mod exports;
pub mod load;
pub mod pages;

pub use load::{LoadError, Module};
