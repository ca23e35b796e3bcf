//! The texts of errors of the passes, as constants that a linker script can place.
//!
//! The compiler puts the text of `write!` into a section without a name, which stays in memory although
//! the code that prints it is freed after boot. `message!` makes the text a static of the function that
//! prints it, and init-patch-rodata.x places this static in the init region. So `message!` is for code
//! that init-patch.x places: that fragment also places [`print`].
//!
//! Numbers are printed as `u64`, because the compiler makes a function for each type of number.

use core::fmt::{Display, Formatter, LowerHex, Result};

/// As `write!`, with an [`Argument`] in the place of each `{}` of the text.
macro_rules! message {
    ($f:expr, $text:literal $(, $argument:expr)* $(,)?) => {{
        static TEXT: $crate::message::Text<{ $text.len() }> =
            $crate::message::Text::new($text, &[$(stringify!($argument)),*]);
        $crate::message::print($f, TEXT.as_str(), &[$($crate::message::Argument::from($argument)),*])
    }};
}
pub(crate) use message;

/// A text of this number of bytes, which are in the value itself.
pub(crate) struct Text<const LEN: usize>([u8; LEN]);

impl<const LEN: usize> Text<LEN> {
    /// The text, which has a place for each argument.
    ///
    /// # Panics
    /// The text is not that long, or it has another number of places: the build fails.
    pub const fn new(text: &str, arguments: &[&str]) -> Self {
        let mut bytes = [0; LEN];
        assert!(text.len() == LEN, "the length is that of the text");
        bytes.copy_from_slice(text.as_bytes());
        let (mut places, mut rest) = (0, text.as_bytes());
        while let [first, after @ ..] = rest {
            places += (*first == b'{') as usize;
            rest = after;
        }
        assert!(places == arguments.len(), "a place for each argument");
        Self(bytes)
    }

    #[inline(always)]
    pub const fn as_str(&self) -> &str {
        // SAFETY: the bytes are those of the `str` that `new` was given.
        unsafe { str::from_utf8_unchecked(&self.0) }
    }
}

/// What is printed in the place of a `{}`.
#[derive(Clone, Copy)]
pub(crate) enum Argument<'a> {
    Number(u64),
    /// With `0x` before it.
    Hex(u64),
    /// With `+` or `-` before it.
    Signed(i64),
    Text(&'a str),
    Other(&'a dyn Display),
}

/// A number that is printed in hexadecimal.
pub(crate) const fn hex<'a>(number: u64) -> Argument<'a> {
    Argument::Hex(number)
}

/// A number that is printed with its sign.
pub(crate) const fn signed<'a>(number: i64) -> Argument<'a> {
    Argument::Signed(number)
}

/// The implementations of `From` for types of numbers.
macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl From<$number> for Argument<'_> {
            fn from(number: $number) -> Self {
                Self::Number(number as u64)
            }
        }
    )*};
}
numbers!(u8 u16 u32 u64 usize);

impl<'a> From<&'a str> for Argument<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a, T: Display> From<&'a T> for Argument<'a> {
    fn from(value: &'a T) -> Self {
        Self::Other(value)
    }
}

/// Prints `text` with an argument in each place.
#[inline(never)]
pub(crate) fn print(f: &mut Formatter<'_>, text: &str, arguments: &[Argument<'_>]) -> Result {
    let mut rest = text;
    for argument in arguments {
        let place = rest.bytes().position(|byte| byte == b'{');
        let (before, after) = rest
            .split_at_checked(place.unwrap_or(0))
            .unwrap_or_default();
        f.write_str(before)?;
        match argument {
            Argument::Number(number) => Display::fmt(number, f)?,
            Argument::Hex(number) => {
                f.write_str("0x")?;
                LowerHex::fmt(number, f)?;
            }
            Argument::Signed(number) => {
                f.write_str(if *number < 0 { "-" } else { "+" })?;
                Display::fmt(&number.unsigned_abs(), f)?;
            }
            Argument::Text(text) => f.write_str(text)?,
            Argument::Other(value) => Display::fmt(value, f)?,
        }
        rest = after.get("{}".len()..).unwrap_or_default();
    }
    f.write_str(rest)
}

#[cfg(test)]
mod tests {
    use super::{hex, signed};
    use alloc::string::ToString;
    use core::fmt;

    struct All;

    impl fmt::Display for All {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let name: &str = "B";
            message!(f, "{}: {} ({})", name, 7_u8, hex(u64::MAX))?;
            message!(f, ", {} to {}", signed(i64::MIN), signed(4))?;
            message!(f, " é {}.", &fmt::Error)
        }
    }

    #[test]
    fn arguments_are_in_the_places() {
        let error = fmt::Error.to_string();
        let expected =
            format_args!("B: 7 (0xffffffffffffffff), -9223372036854775808 to +4 é {error}.")
                .to_string();
        assert_eq!(All.to_string(), expected);
    }
}
