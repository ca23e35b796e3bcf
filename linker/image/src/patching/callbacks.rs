//! Callbacks on the host, where the kernel's functions cannot be called.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use alt_runtime::{Callback, CallbackError, Insn, Site};

thread_local! {
    /// The results for the callback that stands in for all others: a function pointer has no state.
    static ANSWERS: RefCell<Asked> = RefCell::default();
}

#[derive(Default)]
struct Asked {
    answers: HashMap<u64, Vec<Insn>>,
    left: HashSet<u64>,
}

/// The callback that stands in for each of the kernel's.
pub(super) fn answer() -> Callback {
    Callback::new("callback", from_table)
}

/// Writes the known words to the site, or leaves it unchanged.
fn from_table(site: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    ANSWERS.with_borrow_mut(|asked| match asked.answers.get(&site.address()) {
        Some(answer) if answer.len() == words.len() => {
            words.copy_from_slice(answer);
            Ok(())
        }
        Some(_) => Err(CallbackError::Failed(
            "the words that were given are not as many as the site has",
        )),
        None => {
            asked.left.insert(site.address());
            Ok(())
        }
    })
}

/// Runs `pass` with these results, by site; also returns the sites without one.
pub(super) fn with_answers<T>(
    answers: HashMap<u64, Vec<Insn>>,
    pass: impl FnOnce() -> T,
) -> (T, HashSet<u64>) {
    ANSWERS.set(Asked {
        answers,
        left: HashSet::new(),
    });
    let result = pass();
    (result, ANSWERS.take().left)
}
