//! The records in an image: how they are read, and how they are written.
//!
//! A record states the instructions that one *site* in the text becomes. The macros emit it beside
//! the site, into a section that is linked to the site's own text section
//! (`SHF_LINK_ORDER`): the linker keeps and drops the two together and sorts the
//! table by site address.
//!
//! | section            | holds | element |
//! |--------------------|-------|---------|
//! | `alt_branches`     | sites of `cpu_has_cap!` | [`BranchRecord`], 8 bytes |
//! | `alt_records`      | sites of `alternative!` | [`AlternativeRecord`], 12 bytes |
//! | `alt_replacements` | the instructions of the arms, never executed in place | 4-byte words |
//! | `alt_callbacks`    | the callbacks that [`callback!`](crate::callback!) defines | [`Callback`] |
//! | `alt_plan_size`    | no contents and not loaded; its size is that of a plan: one [`PlannedWrite`] for each word of each site | 12 bytes |
//!
//! Offsets are relative to the field that holds them, so a table needs no
//! relocation, can be read-only, and is never written.
//!
//! **This file states the layout**: the structs read it, the assembler text beside them writes
//! it, and [`VERSION`], [`Section`] and the bits of [`Condition`] name it for everything else.
//! Tests compare the texts that cannot use these constants: assembler text and linker scripts.
//! Increase the version with each change.

use core::fmt;

use crate::callback::Callback;
use crate::cap::{Cap, MAX_CAPS};
use crate::insn::Insn;
use crate::room::PlannedWrite;

/// Version of the layout, the value of [`VERSION_SYMBOL`].
pub const VERSION: u64 = 2;

/// The absolute symbol that each object with a site defines. Two objects that agree on its value
/// link; two that differ are a duplicate definition.
pub const VERSION_SYMBOL: &str = "__alt_layout_version";

/// The longest site in instructions.
pub const MAX_SITE_LEN: u8 = u8::MAX;

/// The first word of a [finished table](crate::finished), which a host tool has written over one of the
/// tables: `aFT` and a version. No multiple of 4, as the distance from a record to its site always is.
pub const FINISHED: u32 = u32::from_le_bytes([b'a', b'F', b'T', 2]);

const _: () = assert!(!FINISHED.is_multiple_of(4));

/// A section of the layout. The discriminants are the order in `__alt_bounds`, the table of the
/// sections' bounds that the runtime reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Section {
    /// The table of [`BranchRecord`]s.
    Branches,
    /// The table of [`AlternativeRecord`]s.
    Alternatives,
    /// The instructions of the arms.
    Replacements,
    /// Room for the plan, where the linker script reserves it.
    Plan,
    /// The table of [`Callback`]s.
    Callbacks,
    /// No contents and not loaded; its size is that of a plan for all sites.
    PlanSize,
}

impl Section {
    /// All sections, in the order of `__alt_bounds`.
    pub const ALL: [Self; 6] = [
        Self::Branches,
        Self::Alternatives,
        Self::Replacements,
        Self::Plan,
        Self::Callbacks,
        Self::PlanSize,
    ];

    /// The name of the section: a C identifier, so that linkers define its bounds.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Branches => "alt_branches",
            Self::Alternatives => "alt_records",
            Self::Replacements => "alt_replacements",
            Self::Plan => "alt_plan",
            Self::Callbacks => "alt_callbacks",
            Self::PlanSize => "alt_plan_size",
        }
    }

    /// The size of an element in bytes, in an image.
    pub const fn element_size(self) -> u64 {
        match self {
            Self::Branches => size_of::<BranchRecord>() as u64,
            Self::Alternatives => size_of::<AlternativeRecord>() as u64,
            Self::Replacements => size_of::<Insn>() as u64,
            Self::Plan | Self::PlanSize => size_of::<PlannedWrite>() as u64,
            // A name and a function: three words of 8 bytes.
            Self::Callbacks => 24,
        }
    }
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Callback>() as u64 == Section::Callbacks.element_size());

/// One term of the condition under which a record applies.
///
/// | bits  | meaning |
/// |-------|---------|
/// | 0–12  | number of the cpucap |
/// | 13    | AND: the record applies only if the next one does too |
/// | 14    | NOT: the term holds when the cpucap is absent |
/// | 15    | in a [`BranchRecord`]: the site is of the `likely` form; in an [`AlternativeRecord`]: the replacement is a callback, or NOPs |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Condition(pub(crate) u16);

impl Condition {
    /// The bits of the cpucap's number.
    pub const CAP: u16 = 0x1fff;
    /// The record applies only if the next one does too.
    pub const AND: u16 = 1 << 13;
    /// The term holds when the cpucap is absent.
    pub const NOT: u16 = 1 << 14;
    /// Of a [`BranchRecord`]: the site is of the `likely` form.
    pub const LIKELY: u16 = 1 << 15;
    /// Of an [`AlternativeRecord`]: the replacement is a callback, or NOPs.
    pub const CALLBACK: u16 = 1 << 15;

    /// The word for one term; the macros call this in a `const` operand.
    #[doc(hidden)]
    pub const fn bits(cap: Cap, negated: bool, and_next: bool, kind: bool) -> u16 {
        (cap.number() & Self::CAP)
            | if negated { Self::NOT } else { 0 }
            | if and_next { Self::AND } else { 0 }
            | if kind { Self::LIKELY } else { 0 }
    }

    /// The term that this word of a record means.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// Number of the cpucap that the term tests.
    #[inline]
    pub const fn cap(self) -> u16 {
        self.0 & Self::CAP
    }

    /// The term holds when the cpucap is absent.
    #[inline]
    pub const fn is_negated(self) -> bool {
        self.0 & Self::NOT != 0
    }

    /// The next record, of the same site, must hold too.
    #[inline]
    pub const fn and_next(self) -> bool {
        self.0 & Self::AND != 0
    }

    /// Number of the cpucap, if the term has no AND and the number fits in a byte, as every number
    /// of a table does.
    #[inline(always)]
    pub(crate) const fn single_cap(self) -> Option<u8> {
        const _: () = assert!(MAX_CAPS == 256);
        match self.0 & (Self::AND | Self::CAP & !0xff) {
            0 => Some(self.0 as u8),
            _ => None,
        }
    }

    /// In a [`BranchRecord`]: the site is a `B` that becomes a `NOP`, not the other way round.
    #[inline]
    pub const fn is_likely(self) -> bool {
        self.0 & Self::LIKELY != 0
    }

    /// In an [`AlternativeRecord`]: the replacement is not instructions.
    #[inline]
    pub const fn is_callback(self) -> bool {
        self.0 & Self::CALLBACK != 0
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.is_negated() { "!" } else { "" };
        write!(f, "{not}cap {}", self.cap())
    }
}

/// The common fields of both kinds of records.
pub(crate) trait Record: Copy + 'static {
    /// Address of the site, of a record at `at`.
    fn site_address(&self, at: u64) -> u64;
    /// When the record applies.
    fn condition(&self) -> Condition;
    /// Length of the site in instructions.
    fn site_len(&self) -> u8;
}

/// A `cpu_has_cap!` site: one instruction, NOP or B.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct BranchRecord {
    /// Address of the site, in bytes from this field.
    pub site: i32,
    /// When the record applies, and which form the site has.
    pub condition: Condition,
    /// Displacement of the B, in instructions from the site.
    pub displacement: i16,
}

const _: () = assert!(size_of::<BranchRecord>() == 8);

impl BranchRecord {
    /// The record that has these bytes in an image; for tools.
    pub const fn from_le_bytes(bytes: [u8; 8]) -> Self {
        let [s0, s1, s2, s3, c0, c1, d0, d1] = bytes;
        Self {
            site: i32::from_le_bytes([s0, s1, s2, s3]),
            condition: Condition(u16::from_le_bytes([c0, c1])),
            displacement: i16::from_le_bytes([d0, d1]),
        }
    }

    /// Address of the site, of a record at `at`.
    #[inline]
    pub const fn site_address(&self, at: u64) -> u64 {
        at.wrapping_add_signed(self.site as i64)
    }
}

impl Record for BranchRecord {
    #[inline]
    fn site_address(&self, at: u64) -> u64 {
        self.site_address(at)
    }

    #[inline]
    fn condition(&self) -> Condition {
        self.condition
    }

    #[inline]
    fn site_len(&self) -> u8 {
        1
    }
}

/// The assembler text that writes a [`BranchRecord`], given the text of its
/// condition and of its target.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_branch_record {
    ($condition:literal, $target:literal) => {
        concat!(
            $crate::__alt_section!("alt_branches", "ao", "@progbits"),
            ".balign 4\n",
            "9067:\n",
            ".long 9061b - .\n",
            ".hword ",
            $condition,
            "\n",
            // A division, not a shift: the assembler's `>>` is logical, which
            // is wrong for a target before the site.
            ".hword (",
            $target,
            " - 9061b) / 4\n",
            // Assemblers truncate the field in silence. Where the target is further
            // than ±128 KiB this asks to move back, which LLVM refuses. GNU as 2.40
            // refuses it for a target before the site; for one after it, it warns of an
            // undefined symbol "L0", whatever the distance, and checks nothing.
            ".org . - (((",
            $target,
            " - 9061b + 0x20000) >> 18 != 0) & 1)\n",
            ".popsection\n",
            $crate::__alt_reference!(),
        )
    };
}

/// An `alternative!` site: a run of instructions and one arm for it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct AlternativeRecord {
    /// Address of the site, in bytes from this field.
    pub site: i32,
    /// Address of the replacement, or of the [`Callback`], in bytes
    /// from this field; 0 where there is neither.
    pub replacement: i32,
    /// When the record applies.
    pub condition: Condition,
    /// Length of the site in instructions, 1 to 255.
    pub site_len: u8,
    /// Length of the replacement in instructions, 1 to `site_len`. Where
    /// [`is_callback`](Condition::is_callback) holds: 0 for NOPs, else `site_len`.
    pub replacement_len: u8,
}

const _: () = assert!(size_of::<AlternativeRecord>() == 12);

impl AlternativeRecord {
    /// The record that has these bytes in an image; for tools.
    pub const fn from_le_bytes(bytes: [u8; 12]) -> Self {
        let [
            s0,
            s1,
            s2,
            s3,
            r0,
            r1,
            r2,
            r3,
            c0,
            c1,
            site_len,
            replacement_len,
        ] = bytes;
        Self {
            site: i32::from_le_bytes([s0, s1, s2, s3]),
            replacement: i32::from_le_bytes([r0, r1, r2, r3]),
            condition: Condition(u16::from_le_bytes([c0, c1])),
            site_len,
            replacement_len,
        }
    }

    /// Address of the site, of a record at `at`.
    #[inline]
    pub const fn site_address(&self, at: u64) -> u64 {
        at.wrapping_add_signed(self.site as i64)
    }

    /// Address of the replacement or callback, of a record at `at`.
    #[inline]
    pub const fn replacement_address(&self, at: u64) -> u64 {
        at.wrapping_add(core::mem::offset_of!(Self, replacement) as u64)
            .wrapping_add_signed(self.replacement as i64)
    }
}

impl Record for AlternativeRecord {
    #[inline]
    fn site_address(&self, at: u64) -> u64 {
        self.site_address(at)
    }

    #[inline]
    fn condition(&self) -> Condition {
        self.condition
    }

    #[inline]
    fn site_len(&self) -> u8 {
        self.site_len
    }
}

/// The assembler text that writes an [`AlternativeRecord`] for the site between
/// 9061 and 9062 and the replacement between 9063 and 9064, given the text of its
/// condition.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_alternative_record {
    ($condition:literal) => {
        $crate::__alt_record!($condition, "9063b - .", "(9064b - 9063b) / 4")
    };
}

/// The same, for the callback with the symbol `$callback`.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_callback_record {
    ($condition:literal, $callback:literal) => {
        $crate::__alt_record!(
            $condition,
            concat!($callback, " - ."),
            "(9062b - 9061b) / 4"
        )
    };
}

/// The same, for NOPs.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_nops_record {
    ($condition:literal) => {
        $crate::__alt_record!($condition, "0", "0")
    };
}

/// An [`AlternativeRecord`] with this replacement and length.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_record {
    ($condition:literal, $replacement:expr, $len:literal) => {
        concat!(
            $crate::__alt_section!("alt_records", "ao", "@progbits"),
            ".balign 4\n",
            "9067:\n",
            ".long 9061b - .\n",
            ".long ",
            $replacement,
            "\n",
            ".hword ",
            $condition,
            "\n",
            ".byte (9062b - 9061b) / 4\n",
            ".byte ",
            $len,
            "\n",
            ".popsection\n",
            $crate::__alt_reference!(),
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

/// Begins the text of a replacement; closed by `__alt_replacement_end!`.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_replacement {
    () => {
        concat!(
            $crate::__alt_section!("alt_replacements", "ao", "@progbits"),
            ".balign 4\n",
            "9063:",
        )
    };
}

/// Ends the text of a replacement.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_replacement_end {
    () => {
        "9064:\n.popsection"
    };
}

/// Begins the text of a replacement that must stay near its function, since an
/// instruction in it does not reach far: at the end of the section that the
/// function is in. Closed by `__alt_near_replacement_end!`.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_near_replacement {
    () => {
        ".subsection 1\n.balign 4\n9063:"
    };
}

/// Ends the text of a replacement near its function.
///
/// The next text belongs to other code; a branch to it must not be taken for one to the
/// replacement's own end. Hence a word that nothing refers to.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_near_replacement_end {
    () => {
        "9064:\n.inst 0\n.previous"
    };
}

/// States how much room the site needs in the patch plan.
///
/// The section is not loaded and has no bytes in the file; its size is what the linker
/// script, and [`Image`](crate::Image), learn from it.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_plan_room {
    () => {
        concat!(
            $crate::__alt_section!("alt_plan_size", "o", "@nobits"),
            ".balign 4\n",
            ".skip 12 * ((9062b - 9061b) / 4)\n",
            ".popsection",
        )
    };
}

/// Begins an `.irp` over the names of all sections, in the order of [`Section`].
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_each_section {
    () => {
        ".irp section, alt_branches, alt_records, alt_replacements, alt_plan, alt_callbacks, alt_plan_size"
    };
}

/// States the version of the layout, in each object that writes or reads it.
///
/// `__alt_layout_version` is an absolute symbol: two objects that agree on its
/// value link, two that differ are a duplicate definition.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_layout {
    () => {
        ".globl __alt_layout_version\n.set __alt_layout_version, 2\n"
    };
}

/// Opens a site: states the layout version, gives the site a name that sections
/// can be linked to, and puts the label 9061.
///
/// `SHF_LINK_ORDER` needs a *named* label, and a name must be unique in the
/// object although inlining duplicates the asm block. Hence the counter symbol,
/// which lives across asm blocks, and the `.altmacro` macros that receive its
/// value. Altmacro mode gives `%`, `<` and `!` a meaning, so it is never on
/// while the user's own text is assembled.
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

/// Closes what [`__alt_open!`](crate::__alt_open) opened.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_close {
    () => {
        ".purgem __alt_section"
    };
}
