//! `alt`
fn main() {}
