//! The objects of a link.

/// An object that took part.
#[derive(Debug)]
pub struct Taken {
    /// Its name in the map.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The compilers that made it.
    pub producer: Vec<String>,
}
