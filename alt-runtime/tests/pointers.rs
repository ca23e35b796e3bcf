//! Pointers of a part of the image that runs at another address: fixed once, or not at all.

use alt_runtime::pointers::{self, PointerError, Shift, Slots};
use alt_runtime::region::Table;

/// The image is linked at these addresses, and runs at [`TO`].
const IMAGE: std::ops::Range<u64> = 0x4020_0000..0x4030_0000;
const TO: u64 = 0x2a80_4020_0000;
/// Where the list and the two areas of data are linked.
const LIST: u64 = 0x4020_0ff4;
const RODATA: u64 = 0x4021_0000;
const DATA: u64 = 0x4022_0000;

fn shift() -> Shift {
    Shift::new(IMAGE, TO).unwrap()
}

/// The result of `fix` for pointers at `places`, and whether data has changed.
fn fix(places: &[u64], rodata: &mut [u64], data: &mut [u64]) -> Result<usize, PointerError> {
    let list: Vec<i32> = (LIST..)
        .step_by(4)
        .zip(places)
        .map(|(entry, place)| (*place as i64 - entry as i64) as i32)
        .collect();
    let slots = [Slots::new(RODATA, rodata), Slots::new(DATA, data)];
    pointers::fix(&Table::new(LIST, &list), &slots, &shift())
}

#[test]
fn pointers_of_the_list_move_and_nothing_else() {
    let mut rodata = [0x4020_1000, 0x4020_1000, 0x4021_0008];
    // The end of the image is the end of something in it.
    let mut data = [IMAGE.end, IMAGE.start];
    let places = [RODATA, RODATA + 16, DATA, DATA + 8];
    assert_eq!(fix(&places, &mut rodata, &mut data), Ok(4));
    assert_eq!(rodata, [0x2a80_4020_1000, 0x4020_1000, 0x2a80_4021_0008]);
    assert_eq!(data, [0x2a80_4030_0000, 0x2a80_4020_0000]);
}

#[test]
fn second_time_is_refused() {
    let (mut rodata, mut data) = ([0x4020_1000, 0x4020_2000], []);
    let places = [RODATA, RODATA + 8];
    fix(&places, &mut rodata, &mut data).unwrap();
    let once = rodata;
    let error = PointerError::AlreadyFixed {
        slot: RODATA,
        value: 0x2a80_4020_1000,
    };
    assert_eq!(fix(&places, &mut rodata, &mut data), Err(error));
    assert_eq!(rodata, once);
}

/// What runs directly after, or directly before, where it is linked: a pointer to the end of one place
/// is one to the start of the other, and a second call would move it once more.
#[test]
fn second_time_is_refused_however_near_the_new_place_is() {
    const SLOT: u64 = IMAGE.start;
    let len = IMAGE.end - IMAGE.start;
    for (to, pointer) in [
        (IMAGE.end, IMAGE.start),
        (IMAGE.start - len, IMAGE.end),
        (IMAGE.end + 8, IMAGE.start),
        (IMAGE.start - len - 8, IMAGE.end),
    ] {
        let mut memory = [pointer];
        let (list, slots) = ([8], [Slots::new(SLOT, &mut memory)]);
        let list = Table::new(SLOT - 8, &list);
        let Ok(shift) = Shift::new(IMAGE, to) else {
            continue;
        };
        assert_eq!(pointers::fix(&list, &slots, &shift), Ok(1), "{to:#x}");
        let again = pointers::fix(&list, &slots, &shift);
        let is_refused = matches!(again, Err(PointerError::AlreadyFixed { .. }));
        assert!(is_refused, "{to:#x}: {again:?}");
    }
}

#[test]
fn one_that_is_wrong_spares_all() {
    let slot = RODATA + 8;
    let not_in_image = |value| PointerError::NotInImage { slot, value };
    let cases: [(&[u64], u64, PointerError); 9] = [
        // Behind the image, before it, null.
        (&[RODATA, slot], IMAGE.end + 1, not_in_image(IMAGE.end + 1)),
        (
            &[RODATA, slot],
            IMAGE.start - 1,
            not_in_image(IMAGE.start - 1),
        ),
        (&[RODATA, slot], 0, not_in_image(0)),
        // Just where the image does not run.
        (&[RODATA, slot], TO - 1, not_in_image(TO - 1)),
        (
            &[RODATA, RODATA + 4],
            0x4020_0000,
            PointerError::Misaligned { slot: RODATA + 4 },
        ),
        // Behind the area, and before it.
        (
            &[RODATA, RODATA + 16],
            0x4020_0000,
            PointerError::Outside { slot: RODATA + 16 },
        ),
        (
            &[RODATA - 8, RODATA],
            0x4020_0000,
            PointerError::Outside { slot: RODATA - 8 },
        ),
        (
            &[slot, RODATA],
            0x4020_0000,
            PointerError::Unsorted { slot: RODATA },
        ),
        (&[slot, slot], 0x4020_0000, PointerError::Unsorted { slot }),
    ];
    for (places, second, error) in cases {
        let mut rodata = [0x4020_1000, second];
        assert_eq!(fix(places, &mut rodata, &mut []), Err(error), "{error}");
        assert_eq!(rodata, [0x4020_1000, second], "{error}");
    }
}

#[test]
fn places_that_overlap_are_refused() {
    let len = IMAGE.end - IMAGE.start;
    for to in [
        IMAGE.start,
        IMAGE.start + 8,
        IMAGE.end - 1,
        IMAGE.start - len + 1,
        // They share the address after the last byte of one of them.
        IMAGE.end,
        IMAGE.start - len,
    ] {
        assert_eq!(
            Shift::new(IMAGE, to),
            Err(PointerError::Ambiguous),
            "{to:#x}"
        );
    }
    for to in [IMAGE.end + 8, IMAGE.start - len - 8, 0, u64::MAX - len + 1] {
        assert!(Shift::new(IMAGE, to).is_ok(), "{to:#x}");
    }
}

#[test]
fn address_is_shifted_like_a_pointer() {
    let shift = shift();
    assert_eq!(shift.apply(0x4020_0004), Some(0x2a80_4020_0004));
    assert_eq!(shift.apply(IMAGE.start - 1), None);
    // An image of the upper half, moved to the very top.
    let high = Shift::new(
        0xffff_8000_0000_0000..0xffff_8000_0000_2000,
        0xffff_ffff_ffff_e000,
    );
    assert_eq!(high.unwrap().apply(0xffff_8000_0000_1fff), Some(u64::MAX));
}

#[test]
fn errors_say_where() {
    for (error, text) in [
        (
            PointerError::Ambiguous,
            "the new addresses overlap the old ones, or touch them",
        ),
        (
            PointerError::Misaligned { slot: 0x4 },
            "the pointer at 0x4 is not 8-byte aligned",
        ),
        (
            PointerError::AlreadyFixed {
                slot: 0x8,
                value: 0x10,
            },
            "the pointer at 0x8 has been fixed: it is 0x10",
        ),
    ] {
        assert_eq!(error.to_string(), text);
    }
}
