//! What changed from one kept build to another.
