//! The errors of unwind tables and of the plan made from them.

use core::fmt;

use crate::patch::PatchError;

/// Unwind tables that cannot be used. No word has been written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UnwindError {
    /// Offset of the entry in `.eh_frame`, in bytes.
    pub entry: u64,
    /// Address of the function that the entry describes; `None` for a CIE, or if the address cannot
    /// be read.
    pub function: Option<u64>,
    /// What is wrong.
    pub reason: UnwindReason,
}

/// What is wrong with an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UnwindReason {
    /// The entry is longer than the rest of the table, shorter than its own fields, or of the 64-bit
    /// format.
    Damaged,
    /// An entry follows the terminator: the linker has put the object with the end of the table
    /// before other objects.
    BehindEnd,
    /// The fields of a CIE cannot be read, or it is of an unknown version.
    Cie,
    /// The augmentation of a CIE is not `zR`. `zRB` means that return addresses are signed with the
    /// B key.
    Augmentation,
    /// The return address of a CIE is in another register than x30.
    ReturnAddress {
        /// Its DWARF number.
        register: u16,
    },
    /// Addresses in the entries of a CIE are not distances from their own place of 4 or 8 bytes
    /// (`pcrel sdata4`, `pcrel sdata8`).
    PointerEncoding {
        /// The encoding in the CIE.
        encoding: u8,
    },
    /// The function is neither inside the text nor inside an excluded range.
    Outside {
        /// Its length in bytes.
        len: u64,
    },
    /// The function has augmentation data, which the augmentation `zR` does not define.
    AugmentationData,
    /// An instruction of the entry is not known, or sets an arbitrary address.
    Opcode {
        /// The opcode.
        opcode: u8,
    },
    /// An instruction of the entry is truncated.
    Program,
    /// The instructions of the entry advance beyond the function or mark an address that is not a
    /// multiple of 4; or those of a CIE advance or mark.
    Place,
    /// The function has marks and this instruction has none: its return addresses would be pushed and
    /// not popped, or the reverse. The compiler has not described every instruction
    /// (`-fasynchronous-unwind-tables`; clang does so from version 15 on, and not at `-Oz`).
    Unmarked {
        /// Address of the PACIASP or AUTIASP.
        address: u64,
    },
    /// The function pushes its return address, and returns by RETAA or RETAB, which pop nothing. Compile
    /// it for `-march=armv8-a`, whose instructions for signing are NOPs on older CPUs.
    AuthenticatedReturn {
        /// Address of the RETAA or RETAB.
        address: u64,
    },
    /// By the tables, the return address is still signed at a RET of this function: the path to it would
    /// push and not pop.
    SignedReturn {
        /// Address of the RET.
        address: u64,
    },
    /// Another entry marks an instruction of this function as well.
    Twice {
        /// Address of the instruction.
        address: u64,
    },
    /// A marked instruction is part of the site of an alternative.
    InAlternative {
        /// Address of the instruction.
        address: u64,
        /// Address of the site.
        site: u64,
    },
    /// The room for the plan is too small. The entry is the first that does not fit.
    RoomTooSmall {
        /// Number of writes that fit.
        room: usize,
        /// Number of writes of the plan.
        needed: usize,
    },
}

impl UnwindReason {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Damaged => 701,
            Self::BehindEnd => 702,
            Self::Cie => 703,
            Self::Augmentation => 704,
            Self::ReturnAddress { .. } => 705,
            Self::PointerEncoding { .. } => 706,
            Self::Outside { .. } => 707,
            Self::AugmentationData => 708,
            Self::Opcode { .. } => 709,
            Self::Program => 710,
            Self::Place => 711,
            Self::Unmarked { .. } => 712,
            Self::AuthenticatedReturn { .. } => 713,
            Self::SignedReturn { .. } => 714,
            Self::Twice { .. } => 715,
            Self::InAlternative { .. } => 716,
            Self::RoomTooSmall { .. } => 717,
        }
    }
}

impl UnwindError {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        self.reason.code()
    }

    /// Linux's number for this kind of error (`EDYNSCS_…`): 1 for a CIE, 2 for the encoding and the
    /// range of addresses, 3 for augmentation data, 4 for the instructions of an entry. `None` for
    /// errors that Linux does not check for.
    pub const fn linux_code(&self) -> Option<u8> {
        use UnwindReason::*;
        match self.reason {
            Cie | Augmentation | ReturnAddress { .. } => Some(1),
            PointerEncoding { .. } | Outside { .. } => Some(2),
            AugmentationData => Some(3),
            Opcode { .. } | Program | Place => Some(4),
            Damaged
            | BehindEnd
            | Unmarked { .. }
            | AuthenticatedReturn { .. }
            | SignedReturn { .. }
            | Twice { .. }
            | InAlternative { .. }
            | RoomTooSmall { .. } => None,
        }
    }
}

impl fmt::Display for UnwindReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Damaged => write!(f, "it is truncated, or of the 64-bit format"),
            Self::BehindEnd => write!(f, "it is after the terminator of the table"),
            Self::Cie => write!(f, "it is a CIE that cannot be read"),
            Self::Augmentation => write!(
                f,
                "the augmentation of the CIE is not \"zR\": is it compiled for the B key, or with exceptions?"
            ),
            Self::ReturnAddress { register } => {
                write!(f, "return addresses are in register {register}, not in x30")
            }
            Self::PointerEncoding { encoding } => write!(
                f,
                "addresses are encoded as {encoding:#04x}, not as 0x1b (pcrel, sdata4) or 0x1c (pcrel, sdata8)"
            ),
            Self::Outside { len } => write!(
                f,
                "its {len} bytes are not inside the text; to leave them unchanged, exclude them"
            ),
            Self::AugmentationData => write!(f, "it has augmentation data"),
            Self::Opcode { opcode } => write!(f, "the opcode {opcode:#04x} is not supported"),
            Self::Program => write!(f, "its last instruction is truncated"),
            Self::Place => write!(
                f,
                "its instructions move to an address that is not an instruction of the function"
            ),
            Self::Unmarked { address } => write!(
                f,
                "the PACIASP or AUTIASP at {address:#x} has no mark, and the function has some: the compiler has not described every instruction, as clang before version 15 and clang -Oz do not"
            ),
            Self::AuthenticatedReturn { address } => write!(
                f,
                "RETAA or RETAB at {address:#x} in a function that would push its return address: compile for -march=armv8-a"
            ),
            Self::SignedReturn { address } => write!(
                f,
                "at the RET at {address:#x}, the return address is still signed according to the tables: this path would push and not pop"
            ),
            Self::Twice { address } => {
                write!(
                    f,
                    "another entry marks the instruction at {address:#x}, too"
                )
            }
            Self::InAlternative { address, site } => write!(
                f,
                "the instruction at {address:#x} belongs to the alternative at {site:#x}"
            ),
            Self::RoomTooSmall { room, needed } => write!(
                f,
                "the plan has room for {room} writes, and {needed} are needed"
            ),
        }
    }
}

impl fmt::Display for UnwindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ".eh_frame+{:#x}", self.entry)?;
        if let Some(function) = self.function {
            write!(f, ", function {function:#x}")?;
        }
        write!(f, ": {}", self.reason)?;
        match self.linux_code() {
            Some(code) => write!(f, " (Linux's code {code})"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for UnwindError {}

/// Why the text has no shadow call stack. It is unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ShadowError<A> {
    /// The unwind tables cannot be used.
    Unwind(UnwindError),
    /// The text could not be patched.
    Patch(PatchError<A>),
}

impl<A> ShadowError<A> {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Unwind(error) => error.code(),
            Self::Patch(error) => error.code(),
        }
    }
}

impl<A: fmt::Display> fmt::Display for ShadowError<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unwind(error) => error.fmt(f),
            Self::Patch(error) => error.fmt(f),
        }
    }
}

impl<A: fmt::Debug + fmt::Display> core::error::Error for ShadowError<A> {}
