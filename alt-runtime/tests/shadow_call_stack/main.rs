//! A shadow call stack from unwind tables: sites that are found, and tables that are refused.

mod changing;
mod damaged;
mod fixture;
mod found;
mod mutated;
mod refused;
