//! Addresses and words in JSON: strings in hexadecimal. A JSON number would not do, since many
//! programs read numbers as floating point, which loses the low bits of a kernel address. Each
//! module is for an attribute `#[serde(with = …)]`.

/// An address: `"0xffff800080010000"`.
pub mod address {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes the address as a string.
    ///
    /// # Errors
    /// The errors of the serializer.
    pub fn serialize<S: Serializer>(address: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{address:#x}"))
    }

    /// Reads such a string.
    ///
    /// # Errors
    /// The value is not a string, or the string is not `0x` and hexadecimal digits.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let text = String::deserialize(from)?;
        let digits = text
            .strip_prefix("0x")
            .filter(|digits| !digits.starts_with('+'));
        digits
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .ok_or_else(|| {
                D::Error::custom(format!("`{text}` is not an address such as 0x40200000"))
            })
    }
}

/// An address, or `null`.
pub mod some_address {
    use serde::Serializer;

    /// Writes the address as a string, or `null`.
    ///
    /// # Errors
    /// The errors of the serializer.
    pub fn serialize<S: Serializer>(some: &Option<u64>, to: S) -> Result<S::Ok, S::Error> {
        match some {
            Some(address) => super::address::serialize(address, to),
            None => to.serialize_none(),
        }
    }
}

/// A word of the text: `"0xd503201f"`.
pub mod word {
    use serde::Serializer;

    /// Writes the word as a string of eight digits.
    ///
    /// # Errors
    /// The errors of the serializer.
    pub fn serialize<S: Serializer>(word: &u32, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{word:#010x}"))
    }
}
