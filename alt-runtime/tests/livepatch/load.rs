//! Loading: behaviours 19 to 26, and 40.

use alt_runtime::insn::{Form, OutOfReach};
use alt_runtime::livepatch::format::HookKind;
use alt_runtime::livepatch::{Livepatch, LoadError, PayloadError, Rights, State};
use alt_runtime::patch::{PatchError, Reason};
use alt_runtime::{Callback, Insn};
use test_support::payload::{DATA, Payload, READ_ONLY};

use crate::file::rich;
use crate::kernel::{
    ANCHOR, BTI_C, CALLBACKS, Event, FUNCTION, Fake, IMAGE, LEN, NOP, PAYLOADS, RET, TEXT, address,
    mov, old, patch,
};

pub type Result<T> = std::result::Result<T, LoadError<&'static str>>;

/// Loads a payload.
pub fn load<const N: usize>(
    livepatch: &Livepatch<N>,
    kernel: &mut Fake,
    payload: &Payload,
) -> Result<[u8; 20]> {
    // SAFETY: nothing executes it.
    unsafe { livepatch.load(kernel, &payload.build()) }
}

/// What is loaded: id and state.
pub fn states<const N: usize>(livepatch: &Livepatch<N>) -> Vec<(u8, State)> {
    let mut states = Vec::new();
    livepatch.list(|status| states.push((status.id[0], status.state)));
    states
}

/// Checks that a payload is refused, and that nothing of it is kept.
fn refused(kernel: &mut Fake, payload: &Payload) -> LoadError<&'static str> {
    let livepatch = Livepatch::<2>::new();
    let text = kernel.text();
    let error = load(&livepatch, kernel, payload).expect_err("loaded");
    assert!(!error.to_string().is_empty());
    assert_eq!(kernel.blocks(), 0, "{error}");
    assert_eq!(kernel.text(), text);
    assert_eq!(states(&livepatch), []);
    error
}

#[test]
fn b19_a_good_payload_is_loaded_and_not_active() {
    let (livepatch, mut kernel) = (Livepatch::<2>::new(), Fake::new());
    let text = kernel.text();
    assert_eq!(load(&livepatch, &mut kernel, &rich()), Ok([1; 20]));
    assert_eq!(kernel.text(), text);
    assert_eq!(states(&livepatch), [(1, State::Loaded)]);
    assert_eq!(
        *kernel.log.borrow(),
        [
            Event::Allocate,
            Event::Protect,
            Event::Hook(1, HookKind::Load)
        ]
    );
    // Content.
    assert_eq!(kernel.payload_word(PAYLOADS), mov(9));
    let pointer = kernel.memory(PAYLOADS + u64::from(DATA), 64);
    assert_eq!(pointer[..8], (PAYLOADS + 16).to_le_bytes());
    assert_eq!(pointer[8..], [0; 56], "the rest of the segment is zeros");
    // Parts.
    let parts: Vec<_> = kernel.layouts[0].parts().cloned().collect();
    let rights: Vec<_> = parts.iter().map(|part| part.rights).collect();
    assert_eq!(
        rights,
        [
            Rights::ReadExecute,
            Rights::Read,
            Rights::ReadWrite,
            Rights::Read
        ]
    );
    assert_eq!(parts[0].range, 0..28);
    assert_eq!(parts[1].range.start, u64::from(READ_ONLY));
    assert_eq!(parts[2].range.start, u64::from(DATA));
    let mut seen = 0;
    livepatch.list(|status| {
        assert_eq!((status.name, status.address), ("payload-1", PAYLOADS));
        assert_eq!(status.functions, 2);
        let sizes = parts.iter().map(|part| part.range.end - part.range.start);
        assert_eq!(status.resident, sizes.sum());
        seen += 1;
    });
    assert_eq!(seen, 1);
    assert!(format!("{livepatch:?}").contains("payload-1"));
}

#[test]
fn b20_another_image_is_refused() {
    let mut payload = rich();
    payload.image = [7; 20];
    let error = refused(&mut Fake::new(), &payload);
    let (expected, found) = ([7; 20], IMAGE);
    assert_eq!(error, LoadError::OtherImage { expected, found });
    assert!(error.to_string().contains("abababab"), "{error}");
}

#[test]
fn b21_the_same_payload_twice_is_refused() {
    let (livepatch, mut kernel) = (Livepatch::<2>::new(), Fake::new());
    load(&livepatch, &mut kernel, &rich()).unwrap();
    let twice = load(&livepatch, &mut kernel, &rich());
    assert_eq!(twice, Err(LoadError::AlreadyLoaded));
    assert_eq!((kernel.blocks(), states(&livepatch).len()), (1, 1));
}

#[test]
fn more_than_there_is_room_for() {
    let (livepatch, mut kernel) = (Livepatch::<2>::new(), Fake::new());
    for id in [1, 2] {
        load(&livepatch, &mut kernel, &patch(id, &[1], 2)).unwrap();
    }
    let third = load(&livepatch, &mut kernel, &patch(3, &[1], 2));
    assert_eq!(third, Err(LoadError::Full { capacity: 2 }));
    livepatch.unload(&mut kernel, &[1; 20]).unwrap();
    load(&livepatch, &mut kernel, &patch(3, &[1], 2)).unwrap();
    // In the order of loading, not of the slots.
    assert_eq!(states(&livepatch), [(2, State::Loaded), (3, State::Loaded)]);
}

#[test]
fn b22_a_file_that_is_no_payload() {
    let mut kernel = Fake::new();
    let livepatch = Livepatch::<1>::new();
    // SAFETY: nothing executes it.
    let error = unsafe { livepatch.load(&mut kernel, b"\x7fELF") };
    assert!(matches!(
        error,
        Err(LoadError::Payload(PayloadError::Truncated { .. }))
    ));
    assert_eq!(*kernel.log.borrow(), []);
}

/// The branch reaches from -128 MiB to +128 MiB - 4.
#[test]
fn b23_too_far_with_exact_bounds() {
    const REACH: u64 = 128 << 20;
    let payload = patch(1, &[4], 9);
    let reach = |at: u64, is_within: bool| {
        let mut kernel = Fake::new();
        kernel.next = at;
        let distance = at.wrapping_sub(address(4)) as i64;
        if is_within {
            let livepatch = Livepatch::<1>::new();
            load(&livepatch, &mut kernel, &payload).unwrap();
            livepatch.apply(&mut kernel, &[1; 20]).unwrap();
            // Ours against an independent computation: bits 25 to 0 are words.
            let word = 0x1400_0000 | (distance >> 2) as u32 & 0x03ff_ffff;
            assert_eq!(kernel.get(address(4)), word);
            return;
        }
        let error = refused(&mut kernel, &payload);
        let LoadError::OutOfReach { function, error } = error else {
            panic!("{error}");
        };
        assert_eq!(function.as_str(), "kernel::function_4");
        let (form, displacement) = (Form::B, distance);
        assert_eq!(error, OutOfReach { form, displacement });
    };
    // The function is at 0x100 of the text: move the place instead of the aligned memory.
    assert!(address(4).is_multiple_of(0x100));
    let low = address(4) - REACH;
    // Function 4 at 0x100: the exact bounds need a new function at this offset of the payload.
    reach((low & !0xffff) + 0x1_0000, true);
    reach(low & !0xffff, false);
    reach((address(4) + REACH) & !0xffff, true);
    reach(((address(4) + REACH) & !0xffff) + 0x1_0000, false);

    for (offset, at, is_within) in [
        (0x100, (low - 0x100) & !0xffff, true),
        (0xfc, (low - 0x100) & !0xffff, false),
        (0xfc, address(4) - 0x100 + REACH, true),
        (0x100, address(4) - 0x100 + REACH, false),
    ] {
        let mut payload = payload.clone();
        payload.text.resize(0x42, RET);
        payload.functions[0].new = offset;
        let mut kernel = Fake::new();
        kernel.next = at;
        let livepatch = Livepatch::<1>::new();
        let loaded = load(&livepatch, &mut kernel, &payload);
        assert_eq!(loaded.is_ok(), is_within, "{offset:#x} {at:#x}");
        if is_within {
            livepatch.apply(&mut kernel, &[1; 20]).unwrap();
            let distance = (at + u64::from(offset)).wrapping_sub(address(4)) as i64;
            let word = 0x1400_0000 | (distance >> 2) as u32 & 0x03ff_ffff;
            assert_eq!(kernel.get(address(4)), word);
        } else {
            assert!(matches!(loaded, Err(LoadError::OutOfReach { .. })));
            assert_eq!(kernel.blocks(), 0);
        }
    }
}

/// The rich payload with an alternative that a callback fills, in the place of its replacement.
fn with_callback(callback: u64) -> Payload {
    let mut payload = rich();
    payload.read_only[8 + 8..].copy_from_slice(&[0, 0x80, 1, 1]);
    payload.text[5] = mov(1);
    let target = callback.wrapping_sub(ANCHOR) as i64;
    payload
        .relocations
        .insert(0, (READ_ONLY + 12, 261, 0, target));
    payload
}

#[test]
fn b24_sites_are_patched_for_this_system() {
    for has_cap in [true, false] {
        let (livepatch, mut kernel) = (Livepatch::<1>::new(), Fake::new());
        kernel.has_cap = has_cap;
        let mut payload = rich();
        payload.text[6] = mov(77);
        load(&livepatch, &mut kernel, &payload).unwrap();
        let words = [16, 20].map(|at| kernel.payload_word(PAYLOADS + at));
        // `b .+4`, and the replacement.
        match has_cap {
            true => assert_eq!(words, [0x1400_0001, mov(77)]),
            false => assert_eq!(words, [NOP, RET]),
        }
    }
}

#[test]
fn b24_callbacks_run() {
    let (livepatch, mut kernel) = (Livepatch::<1>::new(), Fake::new());
    load(&livepatch, &mut kernel, &with_callback(CALLBACKS)).unwrap();
    assert_eq!(kernel.payload_word(PAYLOADS + 20), mov(42));
}

#[test]
fn b25_a_callback_that_is_none_is_refused() {
    for address in [
        CALLBACKS + 8,
        CALLBACKS + size_of::<Callback>() as u64,
        TEXT,
    ] {
        let error = refused(&mut Fake::new(), &with_callback(address));
        let LoadError::Sites(PatchError::Plan(error)) = error else {
            panic!("{error}");
        };
        assert_eq!(error.reason, Reason::UnregisteredCallback { address });
    }
}

#[test]
fn b25_records_of_other_places_are_refused() {
    // The site is in the image, after the text, or in the read-only segment.
    for site in [-0x1000_i32, 0x1c, READ_ONLY as i32] {
        let mut payload = rich();
        let offset = site - (READ_ONLY as i32 + 8);
        payload.read_only[8..12].copy_from_slice(&offset.to_le_bytes());
        let error = refused(&mut Fake::new(), &payload);
        let LoadError::Sites(PatchError::Plan(error)) = error else {
            panic!("{error}");
        };
        let is_outside = matches!(error.reason, Reason::SiteOutsideText { .. });
        assert!(is_outside, "{error}");
    }
    // The replacement is outside of the replacements and the text.
    let mut payload = rich();
    payload.read_only[12..16].copy_from_slice(&0x100_i32.to_le_bytes());
    let error = refused(&mut Fake::new(), &payload);
    let LoadError::Sites(PatchError::Plan(error)) = error else {
        panic!("{error}");
    };
    let is_outside = matches!(error.reason, Reason::ReplacementOutside { .. });
    assert!(is_outside, "{error}");
    // A cpucap that the kernel does not have.
    let mut payload = rich();
    payload.read_only[4] = 9;
    let error = refused(&mut Fake::new(), &payload);
    assert!(error.to_string().contains("no such cpucap"), "{error}");
}

#[test]
fn b26_no_memory() {
    let mut kernel = Fake::new();
    kernel.no_memory = true;
    let error = refused(&mut kernel, &rich());
    assert_eq!(error, LoadError::Memory("no memory"));
    let mut kernel = Fake::new();
    kernel.cannot_protect = true;
    let error = refused(&mut kernel, &rich());
    assert_eq!(error, LoadError::Memory("cannot protect"));
    let mut kernel = Fake::new();
    kernel.next += 0x1000;
    let error = refused(&mut kernel, &rich());
    let address = PAYLOADS + 0x1000;
    assert_eq!(error, LoadError::MisalignedMemory { address });
    let mut kernel = Fake::new();
    kernel.misaligned = 8;
    let error = refused(&mut kernel, &rich());
    let is_pointer = matches!(error, LoadError::MisalignedMemory { address } if address < TEXT);
    assert!(is_pointer, "{error}");
}

#[test]
fn functions_and_expectations_outside_the_text() {
    for place in [old(0).0 - 64, old(0).0 + 4 * LEN as i32 - 60, i32::MAX - 63] {
        let mut payload = patch(1, &[1], 9);
        payload.functions[0].old = place & !3;
        let error = refused(&mut Fake::new(), &payload);
        let LoadError::FunctionOutsideText { address, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(address, ANCHOR.wrapping_add_signed(i64::from(place & !3)));
    }
    // To the last byte.
    let mut payload = patch(1, &[1], 9);
    payload.functions[0].old = old(0).0 + 4 * LEN as i32 - FUNCTION as i32;
    let livepatch = Livepatch::<1>::new();
    load(&livepatch, &mut Fake::new(), &payload).unwrap();

    let mut payload = patch(1, &[1], 9);
    payload.expectations.push((0, RET));
    let error = refused(&mut Fake::new(), &payload);
    let (index, address) = (0, ANCHOR);
    assert_eq!(error, LoadError::ExpectationOutsideText { index, address });
}

#[test]
fn landing_pads() {
    let mut payload = patch(1, &[], 0);
    let words = [RET];
    payload
        .function("padded", old(3), &words, &[BTI_C, mov(9), RET])
        .flags = 1;
    // The old one has none.
    let error = refused(&mut Fake::new(), &payload);
    let (old_word, new_word) = (Insn(mov(3)), Insn(BTI_C));
    assert!(
        matches!(error, LoadError::LandingPad { old, new, .. }
            if (old, new) == (old_word, new_word)),
        "{error}"
    );
    // Another one: paciasp.
    let mut kernel = Fake::new();
    kernel.set(address(3), 0xd503_233f);
    let error = refused(&mut kernel, &payload);
    assert!(matches!(error, LoadError::LandingPad { .. }), "{error}");
    // The payload would overwrite it.
    let mut bare = payload.clone();
    bare.functions[0].flags = 0;
    kernel.set(address(3), BTI_C);
    let error = refused(&mut kernel, &bare);
    assert!(matches!(error, LoadError::LandingPad { .. }), "{error}");
    // Correct: the branch is after the pad of the old function, and its target is after that of the new.
    let livepatch = Livepatch::<1>::new();
    load(&livepatch, &mut kernel, &payload).unwrap();
    livepatch.apply(&mut kernel, &[1; 20]).unwrap();
    assert_eq!(kernel.get(address(3)), BTI_C);
    let branch = Insn::branch(address(3) + 4, PAYLOADS + 4).unwrap();
    assert_eq!(kernel.get(address(3) + 4), branch.0);
    livepatch.revert(&mut kernel, &[1; 20]).unwrap();
    assert_eq!(kernel.get(address(3) + 4), RET);
}

#[test]
fn a_load_hook_refuses() {
    let mut kernel = Fake::new();
    kernel.refusing.push((1, HookKind::Load, 12));
    let error = refused(&mut kernel, &rich());
    assert_eq!(error, LoadError::Refused { code: 12 });
    assert_eq!(kernel.log.borrow().last(), Some(&Event::Free));
}

#[test]
fn b40_addresses_in_a_payload_are_named() {
    let (livepatch, mut kernel) = (Livepatch::<2>::new(), Fake::new());
    load(&livepatch, &mut kernel, &patch(2, &[5], 6)).unwrap();
    let start = kernel.next;
    load(&livepatch, &mut kernel, &rich()).unwrap();
    let look = |at: u64| {
        livepatch.lookup(at, |symbol| {
            let function = symbol.function.map(str::to_owned);
            (symbol.payload.to_owned(), function, symbol.offset)
        })
    };
    let named = |function: &str, offset| {
        Some((
            "payload-1".to_owned(),
            Some(format!("kernel::{function}")),
            offset,
        ))
    };
    assert_eq!(look(start), named("function_1", 0));
    assert_eq!(look(start + 7), named("function_1", 7));
    assert_eq!(look(start + 8), named("function_2", 0));
    assert_eq!(look(start + 20), named("new", 4));
    // The replacement is in no function.
    assert_eq!(look(start + 24), Some(("payload-1".to_owned(), None, 24)));
    assert_eq!(look(start + 28), None);
    assert_eq!(look(start - 1), None);
    assert_eq!(look(address(1)), None);
    assert_eq!(
        look(PAYLOADS).map(|found| found.0),
        Some("payload-2".into())
    );
    // Applied or not, and until it is unloaded.
    livepatch.apply(&mut kernel, &[1; 20]).unwrap();
    assert_eq!(look(start + 8), named("function_2", 0));
    livepatch.revert(&mut kernel, &[1; 20]).unwrap();
    livepatch.unload(&mut kernel, &[1; 20]).unwrap();
    assert_eq!(look(start + 8), None);
}
