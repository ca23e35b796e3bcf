//! Colour, in one place. `anstream` drops it where the output is no terminal, or NO_COLOR is set.

pub(crate) use alt_image::style::{bad, dim as faint, good, strong as heading};
