//! The build id of the running image, from which places in the image are counted.

use super::format::{ID_LEN, Id};

/// A build id and where it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BuildId {
    /// The address of the note, from which a payload counts the places in the image.
    pub anchor: u64,
    /// The id.
    pub id: Id,
}

/// `n_type` of a build id.
const NT_GNU_BUILD_ID: u32 = 3;
/// `n_name` of a build id.
const OWNER: [u8; 4] = *b"GNU\0";

impl BuildId {
    /// Finds the build id among the ELF notes `notes`, which are at `address`, a multiple of 4.
    /// `None` unless the image has a build id of 20 bytes (`--build-id=sha1`).
    pub fn find(address: u64, notes: &[u8]) -> Option<Self> {
        let mut at = 0;
        loop {
            let note = notes.get(at..)?;
            let (header, rest) = note.split_first_chunk::<12>()?;
            let word = |index: usize| {
                let bytes = header.get(4 * index..)?.first_chunk()?;
                Some(u32::from_le_bytes(*bytes))
            };
            let (name_len, desc_len, kind) = (word(0)? as usize, word(1)? as usize, word(2)?);
            let desc_at = name_len.checked_next_multiple_of(4)?;
            let desc = rest.get(desc_at..)?;
            if kind == NT_GNU_BUILD_ID && rest.get(..name_len)? == OWNER && desc_len == ID_LEN {
                return Some(Self {
                    anchor: address.wrapping_add(at as u64),
                    id: *desc.first_chunk()?,
                });
            }
            at += 12 + desc_at + desc_len.checked_next_multiple_of(4)?;
        }
    }

    /// Finds the build id of the running image between the symbols `__alt_build_id_start` and
    /// `__alt_build_id_stop`, which the linker-script fragments define. `None` if the image has been
    /// linked without `--build-id=sha1`, or without the fragment: then the kernel uses
    /// [`find`](Self::find) with bounds of its own linker script.
    ///
    /// Available for the target `aarch64` with `target_os = "none"`.
    ///
    /// # Safety
    /// The memory between the symbols is mapped readable.
    #[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
    pub unsafe fn of_image() -> Option<Self> {
        // SAFETY: the assembler text below defines the table, in read-only data.
        let [start, stop] = unsafe { &__alt_build_id_bounds };
        // Weak symbols that are not defined: lld resolves each to the entry itself, GNU ld to 0.
        let address =
            |entry: &i64| (&raw const *entry as usize).wrapping_add_signed(*entry as isize);
        if *start == 0 {
            return None;
        }
        let (start, stop) = (address(start), address(stop));
        let len = stop.checked_sub(start)?;
        if start == 0 || len == 0 {
            return None;
        }
        // SAFETY: the linker bounds the section, and the caller promises that it is mapped; nothing
        // writes to it.
        let notes = unsafe { core::slice::from_raw_parts(start as *const u8, len) };
        Self::find(start as u64, notes)
    }
}

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
core::arch::global_asm!(
    ".pushsection .rodata.alt_build_id_bounds, \"a\"",
    ".balign 8",
    ".globl __alt_build_id_bounds",
    "__alt_build_id_bounds:",
    ".weak __alt_build_id_start, __alt_build_id_stop",
    ".hidden __alt_build_id_start, __alt_build_id_stop",
    ".xword __alt_build_id_start - .",
    ".xword __alt_build_id_stop - .",
    ".popsection",
);

#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
unsafe extern "C" {
    /// Start and end of the section, relative to the entry itself.
    static __alt_build_id_bounds: [i64; 2];
}
