//! Cpucaps.
