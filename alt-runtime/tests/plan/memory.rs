//! Words of text as the patcher reads them.

use alt_runtime::region::Words;

/// The words of `memory`, which run at `address`.
#[expect(clippy::ptr_arg, reason = "the pointer must not come from a `&[u32]`")]
pub fn words(address: u64, memory: &Vec<u32>) -> Words<'_> {
    // SAFETY: the borrow keeps the words readable; `Vec::as_ptr` makes no reference to them.
    unsafe { Words::from_raw(address, memory.as_ptr(), memory.len()) }
}
