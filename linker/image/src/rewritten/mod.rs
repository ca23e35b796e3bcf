//! Places of the text that a running Linux writes by other means than alternatives, with the words
//! that each may hold.
//!
//! The image's own tables list them: the entries of functions for ftrace, jump labels, runtime
//! constants, and pointers in the text that are relocated. Kprobes, BPF trampolines and payloads of livepatch are in no table
//! of the image: their words are differences.

mod constants;
mod data;
mod ftrace;
mod jump_labels;
mod pointers;
mod vectors;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::Serialize;

pub use pointers::hyp_pointers;

use crate::image::Image;

/// The mechanism that writes a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// The tracer of functions: `__mcount_loc`, and the calls in its own trampolines.
    Ftrace,
    /// A branch on a static key: `__jump_table`.
    JumpLabel,
    /// The relocation of the image: `.rela.dyn`, `.relr.dyn`.
    Pointer,
    /// The relocation for the hypervisor: `.hyp.reloc`.
    HypPointer,
    /// The mitigations in the vectors of the hypervisor, before Linux 5.11.
    HypVector,
    /// A value that is known early in the boot: `runtime_ptr_…`, `runtime_shift_…`, `runtime_mask_…`.
    Constant,
    /// Data in the text: the words that a signer of the boot image writes to its header; `init_ttbr` of Xen.
    Data,
}

impl fmt::Display for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ftrace => "ftrace",
            Self::JumpLabel => "jump labels",
            Self::Pointer => "relocated pointers",
            Self::HypPointer => "pointers of the hypervisor",
            Self::HypVector => "vectors of the hypervisor",
            Self::Constant => "runtime constants",
            Self::Data => "words of data",
        })
    }
}

/// The words that a place may hold, in addition to the one in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Legal {
    /// One of these.
    Words(Vec<u32>),
    /// Only one of these, and not the word in the file: it must have been written.
    Must(Vec<u32>),
    /// One of these, or BL to the start of a function.
    Call(Vec<u32>),
    /// Any word.
    Any,
}

/// The places of an image.
#[derive(Clone, Debug, Default)]
pub struct Rewritten {
    words: HashMap<u64, (Means, Legal)>,
}

/// The places of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Accounted {
    /// The mechanism that writes them.
    pub means: Means,
    /// The number of compared words.
    pub words: usize,
    /// The number of words with a legal value that is not the linker's.
    pub changed: usize,
}

impl Rewritten {
    /// The places of an image that runs `slide` bytes above its link address (modulo 2⁶⁴).
    /// `doubleword` reads memory by link address.
    pub fn new(image: &Image, slide: u64, doubleword: impl Fn(u64) -> Option<u64>) -> Self {
        let mut places = Self::default();
        pointers::add(&mut places, image, slide);
        pointers::add_hyp(&mut places, image, slide, &doubleword);
        vectors::add(&mut places, image, |at| Some(doubleword(at)? as u32));
        constants::add(&mut places, image, &doubleword);
        data::add(&mut places, image);
        ftrace::add(&mut places, image, slide);
        jump_labels::add(&mut places, image);
        places
    }

    /// Whether a word of memory is legal at an address; `None` if the address is not such a place.
    pub fn judge(&self, image: &Image, address: u64, found: u32) -> Option<(Means, bool)> {
        let (means, legal) = self.words.get(&address)?;
        let is_linked = || image.word(address) == Some(found);
        let is_legal = match legal {
            Legal::Any => true,
            Legal::Must(words) => words.contains(&found),
            Legal::Words(words) => words.contains(&found) || is_linked(),
            Legal::Call(words) => {
                words.contains(&found)
                    || is_linked()
                    || ftrace::calls_function(image, address, found)
            }
        };
        Some((*means, is_legal))
    }

    /// Whether an address is such a place.
    pub fn contains(&self, address: u64) -> bool {
        self.words.contains_key(&address)
    }

    /// The word that is expected there, if there is one only.
    pub fn only(&self, address: u64) -> Option<u32> {
        match self.words.get(&address)? {
            (_, Legal::Must(words)) if words.len() == 1 => words.first().copied(),
            _ => None,
        }
    }

    /// The number of places by kind.
    pub fn counts(&self) -> BTreeMap<Means, usize> {
        let mut counts = BTreeMap::new();
        for (means, _) in self.words.values() {
            *counts.entry(*means).or_insert(0) += 1;
        }
        counts
    }

    /// Adds a place, if it is a word of the text. A place of two tables may hold the words of both.
    fn add(&mut self, image: &Image, address: u64, means: Means, legal: Legal) {
        if image.word(address).is_none() {
            return;
        }
        match (self.words.get_mut(&address), legal) {
            (Some((_, Legal::Must(there))), Legal::Must(words)) => there.extend(words),
            (Some((_, there)), Legal::Words(words)) => match there {
                Legal::Words(there) | Legal::Must(there) | Legal::Call(there) => {
                    there.extend(words);
                }
                Legal::Any => (),
            },
            (_, legal) => {
                self.words.insert(address, (means, legal));
            }
        }
    }

    /// Adds a doubleword that must hold one of these values.
    fn add_doubleword(&mut self, image: &Image, address: u64, means: Means, values: &[u64]) {
        let low = values.iter().map(|value| *value as u32).collect();
        let high = values.iter().map(|value| (*value >> 32) as u32).collect();
        self.add(image, address, means, Legal::Must(low));
        self.add(image, address.wrapping_add(4), means, Legal::Must(high));
    }

    /// Sets a doubleword that must hold one of the values that are known already, or this one.
    fn set_doubleword(&mut self, image: &Image, address: u64, means: Means, value: u64) {
        self.add_doubleword(image, address, means, &[value]);
        for at in [address, address.wrapping_add(4)] {
            if let Some((by, _)) = self.words.get_mut(&at) {
                *by = means;
            }
        }
    }

    /// Adds a doubleword that may hold one of these values, or that of the file.
    fn add_optional(&mut self, image: &Image, address: u64, means: Means, values: &[u64]) {
        let low = values.iter().map(|value| *value as u32).collect();
        let high = values.iter().map(|value| (*value >> 32) as u32).collect();
        self.add(image, address, means, Legal::Words(low));
        self.add(image, address.wrapping_add(4), means, Legal::Words(high));
    }
}

/// `bl` from one address to another; `None` if it is out of range (Arm ARM C6.2.34: ±128 MiB).
fn call(from: u64, to: u64) -> Option<u32> {
    let branch = alt_runtime::Insn::branch(from, to).ok()?;
    // B and BL differ in the topmost bit.
    Some(branch.0 | 1 << 31)
}
