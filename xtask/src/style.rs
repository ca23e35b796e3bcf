//! Colours. `anstream` drops them if the output is not a terminal or NO_COLOR is set.

pub(crate) use alt_image::style::{bad, dim as faint, good, strong as heading};
