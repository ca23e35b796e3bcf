//! An array with bounds: what is outside of them is a panic, and that an answer.

use super::Service;
use crate::abi::{ELEMENTS, element};

static ARRAY: [u64; ELEMENTS] = {
    let mut array = [0; ELEMENTS];
    let mut index = 0;
    while index < ELEMENTS {
        array[index] = element(index);
        index += 1;
    }
    array
};

/// [`Element`](crate::abi::Service::Element).
pub struct Element;

impl Service for Element {
    fn run(&self, [index, _]: [u64; 2]) -> u64 {
        ARRAY[index as usize]
    }
}
