//! The assembler text around a site, with the definitions that its records need.
//!
//! | label      | place |
//! |------------|-------|
//! | 9061, 9062 | begin and end of the site |
//! | 9063, 9064 | begin and end of the replacement of the arm before |
//! | 9065, 9066 | in `.S` files: begin and end of the text after an arm without instructions |
//! | 9067       | the record |

/// Opens a site: states the layout version, gives the site a name that sections
/// can be linked to, and puts the label 9061.
///
/// `SHF_LINK_ORDER` needs a *named* label, and a name must be unique in the object although
/// inlining duplicates the asm block. A counter symbol keeps its value across asm blocks, and
/// `.altmacro` macros receive the value. Altmacro mode gives `%`, `<` and `!` a meaning, so it is
/// never on while the user's own text is assembled.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_open {
    () => {
        concat!(
            $crate::__alt_layout!(),
            $crate::__alt_once!(),
            ".set .Lalt_site, .Lalt_site + 1\n",
            ".macro __alt_label n\n",
            ".Lalt_site_\\n:\n",
            ".endm\n",
            ".macro __alt_section name, flags, type, n\n",
            ".pushsection \\name, \\flags, \\type, .Lalt_site_\\n\n",
            ".endm\n",
            ".altmacro\n",
            "__alt_label %.Lalt_site\n",
            ".noaltmacro\n",
            ".purgem __alt_label\n",
            "9061:",
        )
    };
}

/// The definitions that the sites of one object share.
///
/// Lengths are known only where the text becomes an object. Before that LLVM reads it for
/// the names of symbols (thin LTO, also that among the units of one crate), and there, as in
/// `--emit=asm`, an `.if` on a length is an error. `.Lalt_lengths` distinguishes the two: only
/// in an object does a local common symbol get its place, and so become defined, at once.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_once {
    () => {
        concat!(
            ".ifndef .Lalt_site\n",
            ".set .Lalt_site, 0\n",
            ".local .Lalt_lengths\n",
            ".comm .Lalt_lengths, 0, 1\n",
            $crate::__alt_at_site!("alt_at_site_long", ".long", " - ."),
            $crate::__alt_at_site!("alt_at_site_quad", ".quad", ""),
            ".endif\n",
        )
    };
}

/// The assembler macro `$name`, for the arm from 9063 on: `$directive` with the address that
/// a label of the arm has at the site.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_at_site {
    ($name:literal, $directive:literal, $origin:literal) => {
        concat!(
            ".macro ",
            $name,
            " label:req\n",
            $directive,
            " 9061b + (\\label - 9063b)",
            $origin,
            "\n",
            ".endm\n",
        )
    };
}

/// Ends the site's text; records follow.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_end {
    () => {
        "9062:"
    };
}

/// Opens a section that is linked to the site; closed by `.popsection`.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_section {
    ($name:literal, $flags:literal, $type:literal) => {
        concat!(
            ".altmacro\n",
            "__alt_section ",
            $name,
            ", <\"",
            $flags,
            "\">, ",
            $type,
            ", %.Lalt_site\n",
            ".noaltmacro\n",
        )
    };
}

/// Refers from the site to the record at 9067.
///
/// Functions with equal text and different records mean different things. A linker that
/// folds equal functions (`--icf=all`) compares their text and what its relocations refer
/// to, and a record refers to its function, not the other way round. The relocation of
/// type NONE changes no byte; two functions that refer to different records differ.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_reference {
    () => {
        ".reloc 9061b, R_AARCH64_NONE, 9067b"
    };
}

/// Removes the assembler macro that [`__alt_open!`](crate::__alt_open) defines for this site.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_close {
    () => {
        ".purgem __alt_section"
    };
}
