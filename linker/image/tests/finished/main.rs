//! Finished tables: the writer of `alt-image` and the pass of `alt-runtime`, with the pass over the raw
//! tables as the oracle.

mod conditions;
mod damaged;
mod image;
mod kinds;
mod random;
mod refused;
