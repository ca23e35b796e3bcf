//! Files that end too early, at every place.

use alt_image::image::{Image, ImageError};

use crate::elf::{self, Elf};

/// Both formats, with section headers after the contents and before them.
fn images() -> [Elf; 4] {
    [false, true]
        .map(|headers_first| {
            [elf::image(), elf::linux()].map(|elf| Elf {
                headers_first,
                ..elf
            })
        })
        .concat()
        .try_into()
        .unwrap_or_else(|_| unreachable!())
}

#[test]
fn truncated_at_every_byte() {
    for elf in images() {
        let file = elf.bytes();
        // Behind the last section there is only what fills the last 8 bytes.
        let end = match elf.headers_first {
            true => file.len() - 7,
            false => file.len(),
        };
        for len in 0..end {
            let error = match Image::parse(file[..len].to_vec()) {
                Err(error) => error,
                Ok(_) => panic!("{len} of {} bytes are no image", file.len()),
            };
            let damaged = matches!(
                error,
                ImageError::NotElf | ImageError::Truncated(_) | ImageError::PastEnd { .. }
            );
            assert!(damaged, "{len} bytes: {error}");
            assert_eq!(error == ImageError::NotElf, len < 4, "{len} bytes");
        }
    }
}
