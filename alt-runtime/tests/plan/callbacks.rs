//! The words that a plan takes from callbacks, and the callbacks that it refuses.
//!
//! The expected words are what GNU as 2.40 gives for the text beside them.

use alt_runtime::insn::{Form, Insn, OutOfReach, Unencodable};
use alt_runtime::patch::{PlanError, Reason};
use alt_runtime::{Callback, CallbackError, Site};

use crate::image::{A, B, CALLBACK, CALLBACKS, Image, NOP, NOT, TEXT};

const ONE: u32 = 0xd280_0020; // mov x0, #1
const SITE: u64 = TEXT + 0x40;

/// As many instructions as the site has, with its address in them.
fn address(site: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    let load = Insn::load_constant64(words[0].rd(), site.address())?;
    assert_eq!(site.words().len(), words.len());
    words.copy_from_slice(&load[..words.len()]);
    Ok(())
}
const ADDRESS: Callback = Callback::new("ADDRESS", address);

#[test]
fn a_callback_knows_its_site() {
    let mut image = Image::new();
    for i in 0..3 {
        // mov x7, #1
        image.text[16 + 4 * i..20 + 4 * i].fill(0xd280_0027);
    }
    // The same callback for sites of one to four instructions.
    image.callback(SITE, 0, 4, ADDRESS);
    image.record(SITE + 0x10, CALLBACKS, CALLBACK, 1, 1);
    image.record(SITE + 0x20, CALLBACKS, CALLBACK, 2, 2);
    let (writes, report) = image.plan(&[A]).unwrap();
    let new = |site: u64| -> Vec<u32> {
        let words = writes.iter().filter(|write| write.0 & !0xf == site);
        words.map(|write| write.2).collect()
    };
    // movz x7, #0x40; movk x7, #1, lsl #16; movk x7, #0x8000, lsl #32;
    // movk x7, #0xffff, lsl #48
    assert_eq!(
        new(SITE),
        [0xd280_0807, 0xf2a0_0027, 0xf2d0_0007, 0xf2ff_ffe7]
    );
    // movz x7, #0x50; movz x7, #0x60; movk x7, #1, lsl #16
    assert_eq!(new(SITE + 0x10), [0xd280_0a07]);
    assert_eq!(new(SITE + 0x20), [0xd280_0c07, 0xf2a0_0027]);
    assert_eq!(
        (report.alternatives, report.applied, report.rewritten),
        (3, 3, 3)
    );
    assert_eq!(image.plan(&[]).unwrap().0, []);

    image.text = image.patched(&[A]).unwrap();
    let (writes, report) = image.plan(&[A]).unwrap();
    assert_eq!((writes, report.rewritten), (vec![], 0), "a second pass");
}

#[test]
fn words_that_a_callback_leaves_stay() {
    fn second(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
        words[1] = Insn::NOP;
        Ok(())
    }
    let mut image = Image::new();
    image.text[16..19].fill(ONE);
    image.callback(SITE, 0, 3, Callback::new("SECOND", second));
    assert_eq!(image.plan(&[A]).unwrap().0, [(SITE + 4, ONE, NOP)]);
}

#[test]
fn a_callback_aims_from_the_site() {
    fn call(site: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
        words[0] = Insn::branch(site.address(), TEXT + 0x80)?;
        Ok(())
    }
    let mut image = Image::new();
    image.callback(SITE, 0, 1, Callback::new("CALL", call));
    // b .+0x40
    assert_eq!(image.plan(&[A]).unwrap().0, [(SITE, NOP, 0x1400_0010)]);
}

#[test]
fn a_callback_may_fill_255_words() {
    fn fill(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
        words.fill(Insn(ONE));
        Ok(())
    }
    let mut image = Image::new();
    image.text = vec![NOP; 256];
    image.room = 255;
    image.callback(TEXT, 0, 255, Callback::new("FILL", fill));
    let expected: Vec<u32> = [ONE; 255].into_iter().chain([NOP]).collect();
    assert_eq!(image.patched(&[A]).unwrap(), expected);
}

#[test]
fn nops_fill_the_site() {
    let mut image = Image::new();
    image.text[..8].fill(ONE);
    image.nops(TEXT, 0, 3).nops(TEXT + 0xc, NOT, 5);
    // Up to three are executed; more are branched over: b .+20
    assert_eq!(
        image.patched(&[A]).unwrap()[..8],
        [NOP, NOP, NOP, ONE, ONE, ONE, ONE, ONE]
    );
    assert_eq!(
        image.patched(&[]).unwrap()[..8],
        [ONE, ONE, ONE, 0x1400_0005, NOP, NOP, NOP, NOP]
    );
}

#[test]
fn first_arm_that_holds_wins_of_any_kind() {
    // A => nops, B => ADDRESS, !A => mov x0, #1
    let mut image = Image::new();
    image.text[0] = 0xd280_0047; // mov x7, #2
    image
        .nops(TEXT, 0, 1)
        .callback(TEXT, 1, 1, ADDRESS)
        .alternative(TEXT, NOT, 1, &[ONE]);
    for (caps, word) in [(&[A, B][..], NOP), (&[B], 0xd280_0007), (&[], ONE)] {
        assert_eq!(image.patched(caps).unwrap()[0], word, "{caps:?}");
    }
}

/// The error when cap A is present; when it is absent, no one asks the callback.
#[track_caller]
fn refused(image: &Image, reason: Reason) {
    let error = image.plan(&[A]).unwrap_err();
    let expected = PlanError {
        site: SITE,
        cap: 0,
        name: "A",
        reason,
    };
    assert_eq!(error, expected);
    assert_eq!(image.plan(&[]).unwrap().0, []);
}

/// The error of a site of two instructions that `callback` fills.
#[track_caller]
fn refused_of(
    callback: fn(&Site<'_>, &mut [Insn]) -> Result<(), CallbackError>,
    reason: Reason,
    text: &str,
) {
    let mut image = Image::new();
    // A good one comes first; it is not planned either.
    image.alternative(TEXT, 0, 1, &[ONE]);
    image.callback(SITE, 0, 2, Callback::new("WRONG", callback));
    let error = image.plan(&[A]).unwrap_err();
    assert_eq!((error.site, error.reason), (SITE, reason));
    assert_eq!(reason.to_string(), text);
}

#[test]
fn unregistered_callback() {
    // Before, inside, and after the only one; and one of an image without any.
    for address in [
        CALLBACKS - 24,
        CALLBACKS + 8,
        CALLBACKS + 23,
        CALLBACKS + 24,
        TEXT,
    ] {
        let mut image = Image::new();
        image.callbacks.push(ADDRESS);
        image.record(SITE, address, CALLBACK, 1, 1);
        refused(&image, Reason::UnregisteredCallback { address });
    }
    let mut image = Image::new();
    image.record(SITE, CALLBACKS, CALLBACK, 1, 1);
    let reason = Reason::UnregisteredCallback { address: CALLBACKS };
    refused(&image, reason);
    assert_eq!(
        reason.to_string(),
        "0xffff800000410000 is not one of the callbacks: define it by `callback!`"
    );
}

#[test]
fn callback_of_another_length() {
    for callback in [1, 3, 255] {
        let mut image = Image::new();
        image.callbacks.push(ADDRESS);
        image.record(SITE, CALLBACKS, CALLBACK, 2, callback);
        let reason = Reason::CallbackLength { site: 2, callback };
        refused(&image, reason);
        assert_eq!(
            reason.to_string(),
            format!("the record states {callback} instructions for the callback, 2 for the site")
        );
    }
}

#[test]
fn callback_that_fails() {
    refused_of(
        |_, _| Err(CallbackError::Failed("no firmware")),
        Reason::CallbackFailed {
            name: "WRONG",
            error: CallbackError::Failed("no firmware"),
        },
        "callback WRONG: no firmware",
    );
    refused_of(
        |_, words| {
            words[0] = Insn::ror(0, 0, 64)?;
            Ok(())
        },
        Reason::CallbackFailed {
            name: "WRONG",
            error: CallbackError::Unencodable(Unencodable {
                what: "the amount of a ROR",
                value: 64,
            }),
        },
        "callback WRONG: the amount of a ROR cannot be 0x40",
    );
    refused_of(
        |site, words| {
            words[0] = Insn::branch(site.address(), site.address() + 0x800_0000)?;
            Ok(())
        },
        Reason::CallbackFailed {
            name: "WRONG",
            error: CallbackError::OutOfReach(OutOfReach {
                form: Form::B,
                displacement: 0x800_0000,
            }),
        },
        "callback WRONG: b needs a displacement of +134217728 bytes, its reach is -134217728..=+134217724 in steps of 4",
    );
}

#[test]
#[cfg(debug_assertions)]
fn callback_that_fails_on_its_own_result() {
    refused_of(
        |site, words| {
            words[0] = Insn(ONE);
            match site.words()[0] {
                Insn::NOP => Ok(()),
                _ => Err(CallbackError::Failed("not the default")),
            }
        },
        Reason::CallbackFailed {
            name: "WRONG",
            error: CallbackError::Failed("not the default"),
        },
        "callback WRONG: not the default",
    );
}

#[test]
#[cfg(debug_assertions)]
fn callback_that_is_unstable() {
    refused_of(
        // movz x0, #1, then #2, …
        |_, words| {
            words[1] = Insn::movz(0, (words[1].0 >> 5) as u16 + 1, 0)?;
            Ok(())
        },
        Reason::CallbackUnstable { name: "WRONG" },
        "callback WRONG is not idempotent: run on its own result it returned other instructions",
    );
}

#[test]
fn callback_with_a_word_that_is_unknown_or_signs_its_address() {
    // By the Arm ARM's tables (C4.1) 0xdc000000 is unallocated; paciasppc
    for word in [0xdc00_0000, 0xdac1_a3fe] {
        let mut image = Image::new();
        let callback: fn(&Site<'_>, &mut [Insn]) -> Result<(), CallbackError> =
            if word == 0xdc00_0000 {
                |_, words| {
                    words[1] = Insn(0xdc00_0000);
                    Ok(())
                }
            } else {
                |_, words| {
                    words[1] = Insn(0xdac1_a3fe);
                    Ok(())
                }
            };
        image.callback(SITE, 0, 2, Callback::new("WRONG", callback));
        let word = Insn(word);
        let reason = Reason::CallbackWord { index: 1, word };
        refused(&image, reason);
        assert_eq!(
            reason.to_string(),
            format!("callback instruction 1 ({word}) is unallocated or signs with its own address")
        );
    }
}
