//! What cannot be used is refused, with words that say what is wrong.

mod addresses;
mod elf;
mod image;
mod program;
mod records;
mod text;
mod truncated;

use alt_image::image::{Image, ImageError};
use alt_image::names::CapNames;
use alt_image::patching::{Answers, ExpectError, Expectation};
use alt_image::records::{Records, RecordsError};
use alt_runtime::cap::CapSet;

/// What is wrong with the file of an image.
fn image_error(bytes: Vec<u8>) -> ImageError {
    Image::parse(bytes).expect_err("the image is refused")
}

/// What is wrong with the tables of an image whose file is sound.
fn records_error(bytes: Vec<u8>) -> RecordsError {
    let image = Image::parse(bytes).expect("the file is sound");
    Records::find(&image, None).expect_err("the tables are refused")
}

/// What the image is with all cpucaps.
fn patched(bytes: Vec<u8>) -> Result<Expectation, ExpectError> {
    let image = Image::parse(bytes).expect("the file is sound");
    let records = Records::find(&image, None).expect("the tables are sound");
    let table = CapNames::default().table();
    Expectation::new(&image, &records, table, &CapSet::ALL, &Answers::none())
}

/// The undamaged images of these tests are good: by the words that they become.
#[test]
fn undamaged_images_are_good() {
    let words = |bytes| {
        let changes = patched(bytes).expect("a good image").changes;
        let changes = changes.into_iter();
        changes
            .map(|c| (c.address & 0xfff, c.after))
            .collect::<Vec<_>>()
    };
    let nop = 0xd503_201f;
    assert_eq!(
        words(elf::image().bytes()),
        // b .+12; add x0, x0, #2, the NOP after it is there already; nop
        [(0, 0x1400_0003), (4, 0x9100_0800), (16, nop)]
    );
    assert_eq!(words(elf::linux().bytes()), [(0, 0x9100_0800), (4, nop)]);
}
