//! What the first pass requires of an image: tables, room, alias.

use std::convert::Infallible;
use std::mem::MaybeUninit;
use std::ops::Range;

use alt_runtime::boot::FinaliseError;
use alt_runtime::cap::CapSet;
use alt_runtime::patch::{Decision, MappedAlias, PatchError, WritableAlias};
use alt_runtime::rendezvous::StopError;
use alt_runtime::{ImageError, PlannedWrite};

use crate::image::{CAPS, Image, TEXT};

/// `add x0, x0, #1` (Arm ARM C6.2.5).
const ONE: u32 = 0x9100_0400;

/// One branch, and an alternative of three words with two arms.
fn sites() -> Image {
    let mut image = Image::new();
    image
        .branch(TEXT, 0, 1)
        .alternative(TEXT + 8, 0, 3, &[ONE])
        .alternative(TEXT + 8, 1, 3, &[ONE]);
    image
}

fn prepare(room: usize, linked: usize) -> Result<(), ImageError> {
    let image = sites();
    let mut room = vec![MaybeUninit::<PlannedWrite>::uninit(); room];
    plan_first_pass(&mut alt_runtime::Image::of_region(image.region(), &mut room).linked(linked))
}

/// Plans the first pass, in which nothing changes.
fn plan_first_pass(image: &mut alt_runtime::Image<'_>) -> Result<(), ImageError> {
    let decision = Decision {
        table: &CAPS,
        present: &CapSet::EMPTY,
        decided: &CapSet::ALL,
    };
    match image.plan_first_pass::<Infallible>(decision) {
        Ok((_, plan)) => {
            assert_eq!(plan.writes(), []);
            Ok(())
        }
        Err(PatchError::Image(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_words_of_all_sites_need_room_whether_or_not_they_change() {
    assert_eq!(prepare(4, 4), Ok(()));
    assert_eq!(prepare(5, 4), Ok(()));
    let error = prepare(3, 4).unwrap_err();
    assert_eq!(error, ImageError::Room { room: 3, needed: 4 });
    let text = error.to_string();
    for part in [
        "needs room for 4 words",
        "has room for 3",
        "Room<4>",
        "alternatives-init.x",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(prepare(0, 4), Err(ImageError::Room { room: 0, needed: 4 }));
}

/// An image whose linker script has lost the tables does not count as an image without sites.
#[test]
fn tables_of_fewer_words_than_are_linked_are_refused() {
    let error = prepare(8, 5).unwrap_err();
    assert_eq!(
        error,
        ImageError::Tables {
            linked: 5,
            found: 4
        }
    );
    let text = error.to_string();
    assert!(
        text.contains("have 5 words, those in its tables 4"),
        "{text}"
    );
    // An image whose linker says nothing.
    assert_eq!(prepare(4, 0), Ok(()));

    let empty = Image::new();
    let mut image = alt_runtime::Image::of_region(empty.region(), &mut []).linked(2);
    assert_eq!(
        plan_first_pass(&mut image),
        Err(ImageError::Tables {
            linked: 2,
            found: 0
        })
    );
    let mut none = alt_runtime::Image::of_region(empty.region(), &mut []);
    assert_eq!(plan_first_pass(&mut none), Ok(()), "there is no site");
}

/// Each page of room is written, down to the last word that is needed, and nothing after it.
#[test]
fn room_is_touched_page_by_page() {
    let mut image = Image::new();
    image.text = vec![crate::image::NOP; 1500];
    for site in 0..500 {
        image.alternative(TEXT + 12 * site, 0, 3, &[ONE]);
    }
    let untouched = PlannedWrite::new(0, alt_runtime::Insn(0), alt_runtime::Insn(0));
    let mut room = vec![MaybeUninit::new(untouched); 2000];
    plan_first_pass(&mut alt_runtime::Image::of_region(
        image.region(),
        &mut room,
    ))
    .unwrap();
    let words = room.iter().flat_map(|entry| {
        // SAFETY: all have been initialised.
        let entry = unsafe { entry.assume_init() };
        [entry.offset, entry.after().0, entry.before().0]
    });
    let words: Vec<u32> = words.collect();
    let touched: Vec<usize> = (0..words.len()).filter(|i| words[*i] != 0).collect();
    assert_eq!(touched.first(), Some(&0), "{touched:?}");
    assert_eq!(touched.last(), Some(&(3 * 1500 - 1)), "{touched:?}");
    let mut gaps = touched.windows(2).map(|pair| 4 * (pair[1] - pair[0]));
    assert!(gaps.all(|gap| gap <= 4096), "{touched:?}");
}

#[test]
fn closures_make_an_alias() {
    let (mut mapped, mut unmapped) = (Vec::<Range<u64>>::new(), Vec::new());
    // SAFETY: nothing is written through it.
    let mut alias = unsafe {
        MappedAlias::new(
            |text: Range<u64>| {
                mapped.push(text.clone());
                match text.start {
                    0 => Err("no such memory"),
                    start => Ok(std::ptr::without_provenance_mut(start as usize + 0x1000)),
                }
            },
            |text| unmapped.push(text),
        )
    };
    assert_eq!(alias.open(0..4), Err("no such memory"));
    assert_eq!(
        alias.open(0x8000..0x9000),
        Ok(std::ptr::without_provenance_mut(0x9000))
    );
    alias.close();
    assert_eq!(mapped, [0..4, 0x8000..0x9000]);
    assert_eq!(unmapped, vec![0x8000..0x9000; 1]);
}

/// One function with `?` for all phases, as a kernel writes it.
#[test]
fn errors_of_all_phases_become_one() {
    fn stopped() -> Result<(), FinaliseError<Infallible>> {
        Err(StopError::AlreadyStopped)?
    }
    fn patched() -> Result<(), FinaliseError<Infallible>> {
        Err(PatchError::MappedApart)?
    }
    assert_eq!(
        stopped(),
        Err(FinaliseError::Stop(StopError::AlreadyStopped))
    );
    assert_eq!(
        patched(),
        Err(FinaliseError::Patch(PatchError::MappedApart))
    );
    assert_eq!(
        stopped().unwrap_err().to_string(),
        "another CPU has stopped the CPUs already"
    );
}
