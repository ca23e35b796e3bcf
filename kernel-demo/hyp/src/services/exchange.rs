//! Data that the kernel shares.

use core::sync::atomic::Ordering;

use super::Service;
use crate::image::kernel::{hyp_shared_constant, hyp_shared_word};

/// [`Exchange`](crate::abi::Service::Exchange).
pub struct Exchange;

impl Service for Exchange {
    fn run(&self, [word, _]: [u64; 2]) -> u64 {
        hyp_shared_word.store(word, Ordering::Relaxed);
        hyp_shared_constant
    }
}
