//! Modules: code that comes when the kernel runs, and is patched before it can be
//! executed.
//!
//! While a module is loaded its pages are readable and writable and nothing else.
//! The kernel copies the sections, applies the relocations, and makes a
//! [`Region`](alt_runtime::region::Region) of it, which is patched by what was
//! decided for the kernel itself. Only then its text becomes executable, and is not
//! writable again as long as the module stays. Whatever goes wrong before, the pages
//! are free again, and have never been executable.

mod exercise;
mod exports;
mod load;
mod object;
mod pages;
mod refuse;
mod relocation;

pub use exercise::exercise;
