//! Payloads that the loader could not use.

use alt_livepatch::payload::{Part, PartKind, PayloadBuildError as Error, Target};
use alt_runtime::livepatch::RelocationError;
use alt_runtime::livepatch::format::MAX_SPAN;

use crate::small::*;

fn refused(text: &[u32], parts: &[Part]) -> Error {
    build(&image(text, &[]), parts, &More::default()).unwrap_err()
}

/// Behaviour 17: no room for the branch after the landing pad.
#[test]
fn behaviour_17_a_function_too_short_for_its_pad_is_refused() {
    let pad = [BTI_C, NOP, RET, RET];
    let error = refused(&pad, &[function("f", &[BTI_C, RET]).replaces(0, 4)]);
    let expected = Error::TooShort {
        name: "f".into(),
        size: 4,
        needed: 8,
    };
    assert_eq!(error, expected);
    assert!(
        error.to_string().contains("after its landing pad needs 8"),
        "{error}"
    );
    let error = refused(&[RET; 4], &[function("f", &[RET]).replaces(0, 0)]);
    assert!(
        matches!(
            error,
            Error::TooShort {
                size: 0,
                needed: 4,
                ..
            }
        ),
        "{error}"
    );
    // Without a pad, one instruction is enough.
    let image = image(&[RET; 4], &[]);
    let parts = [function("f", &[RET]).replaces(0, 4)];
    assert!(build(&image, &parts, &More::default()).is_ok());
}

#[test]
fn another_landing_pad_is_refused() {
    let error = refused(
        &[PACIASP, RET, RET],
        &[function("f", &[BTI_C, RET]).replaces(0, 8)],
    );
    let expected = Error::LandingPad {
        name: "f".into(),
        old: PACIASP,
        new: BTI_C,
    };
    assert_eq!(error, expected);
}

#[test]
fn functions_that_cannot_be_replaced_are_refused() {
    let text = [RET; 8];
    let f = || function("f", &[RET]);
    assert_eq!(refused(&text, &[f()]), Error::Nothing);
    let error = refused(&text, &[f().replaces(0x1000, 4)]);
    assert!(
        matches!(error, Error::NotText { address, .. } if address == ANCHOR),
        "{error}"
    );
    let error = refused(
        &text,
        &[f().replaces(8, 4), function("g", &[RET]).replaces(8, 4)],
    );
    assert!(matches!(&error, Error::Twice { name, other, .. } if name == "f" && other == "g"));
    let mut odd = f().replaces(0, 4);
    (odd.bytes, odd.size) = (vec![0; 6], 6);
    assert!(matches!(
        refused(&text, &[odd]),
        Error::Misaligned { size: 6, .. }
    ));
    let mut far = part(PartKind::Data, "far", &[]);
    far.size = MAX_SPAN.into();
    assert!(matches!(
        refused(&text, &[f().replaces(0, 4), far]),
        Error::TooLarge { .. }
    ));
    let image = image(&text, &[]);
    for name in ["", "a\nb", &"x".repeat(128)] {
        let more = More {
            name: Some(name),
            ..More::default()
        };
        let error = build(&image, &[f().replaces(0, 4)], &more).unwrap_err();
        assert_eq!(error, Error::Name(name.to_owned()));
    }
    let more = More {
        expectations: &[(ANCHOR + (2 << 30), RET)],
        ..More::default()
    };
    let error = build(&image, &[f().replaces(0, 4)], &more).unwrap_err();
    assert!(matches!(error, Error::TooFar { .. }), "{error}");
}

/// With a loop, calls in progress would go on in the new function. A call of itself starts there.
#[test]
fn a_running_function_must_not_loop_to_its_entry() {
    let running = |text: &[u32], offset: u64, pad: u32| {
        let mut f = function("f", &[pad, RET]).replaces(offset, 12);
        if let Some(replaces) = &mut f.replaces {
            replaces.may_be_running = true;
        }
        build(&image(text, &[]), &[f], &More::default())
    };
    // b .-4; cbz x0, .-8; tbz w0, #0, .-8; bl .-4
    for (back, loops) in [(0x17ff_ffff, true), (BL | 0x3ff_ffff, false)] {
        let got = running(&[NOP, back, RET, RET], 0, NOP);
        let is_loop =
            matches!(got, Err(Error::Loops { from, to, .. }) if (from, to) == (TEXT + 4, TEXT));
        assert_eq!((is_loop, got.is_ok()), (loops, !loops));
    }
    for back in [0xb4ff_ffc0, 0x3607_ffc0] {
        let got = running(&[NOP, NOP, back, RET], 0, NOP);
        assert!(matches!(got, Err(Error::Loops { .. })), "{back:#x}");
    }
    // After a pad, the place of the branch is the second word; the pad itself stays.
    let got = running(&[BTI_C, NOP, 0xb4ff_ffc0, RET], 0, BTI_C);
    assert!(got.is_ok());
    let got = running(&[BTI_C, NOP, 0xb4ff_ffe0, RET], 0, BTI_C);
    assert!(matches!(got, Err(Error::Loops { to, .. }) if to == TEXT + 4));
}

#[test]
fn relocations_that_the_loader_lacks_are_refused() {
    let text = [RET; 8];
    let with = |offset, kind, target| {
        let f = function("f", &[BL, RET]).replaces(0, 4);
        refused(&text, &[f.refers(offset, kind, target, 0)])
    };
    // R_AARCH64_MOVW_UABS_G0, R_AARCH64_ADR_GOT_PAGE; a number that is no type.
    for kind in [263, 311, 0x1_0000] {
        let error = with(0, kind, Target::Image(TEXT));
        assert!(
            matches!(error, Error::RelocationType { kind: k, .. } if k == kind),
            "{error}"
        );
    }
    let error = with(4, CALL26, Target::Image(TEXT));
    let wrong = matches!(
        error,
        Error::Relocation {
            error: RelocationError::WrongInstruction { .. },
            ..
        }
    );
    assert!(wrong, "{error}");
    for (offset, kind) in [(2, CALL26), (8, CALL26), (4, ABS64)] {
        let error = with(offset, kind, Target::Image(TEXT));
        assert!(
            matches!(error, Error::Place { offset: at, .. } if at == offset),
            "{error}"
        );
    }
    let error = with(0, CALL26, Target::Part(9));
    assert!(matches!(error, Error::Target { .. }), "{error}");
    // CBZ reaches 1 MiB.
    let f = function("f", &[0xb400_0000, RET])
        .replaces(0, 4)
        .refers(0, 280, Target::Part(1), 0);
    let mut far = function("far", &[RET]);
    far.align = 0x20_0000;
    let error = refused(&text, &[f.clone(), far]);
    let out = matches!(
        error,
        Error::Relocation {
            error: RelocationError::OutOfReach(_),
            ..
        }
    );
    assert!(out, "{error}");
}

#[test]
fn tables_that_are_none_are_refused() {
    let text = [RET; 8];
    let f = || function("f", &[NOP, RET]).replaces(0, 4);
    let records = |table: Part| refused(&text, &[f(), table]);
    let site = |table: Part| table.refers(0, PREL32, Target::Part(0), 0);
    // Not a whole number of records; a record without a site, or with one in the image.
    for table in [
        site(part(PartKind::Branches, "f", &[0; 12])),
        part(PartKind::Branches, "f", &[0; 8]),
        part(PartKind::Alternatives, "f", &[0; 12]).refers(0, PREL32, Target::Image(TEXT), 0),
    ] {
        assert!(matches!(records(table), Error::Records { .. }));
    }
}

/// The words of a site at the entry are not known.
#[test]
fn a_site_of_a_callback_at_the_entry_is_refused() {
    let (records, callbacks) = (TEXT + 0x2000, TEXT + 0x3000);
    let record = |kind: u8, target: u64| {
        let mut bytes = ((TEXT as i64 - records as i64) as i32)
            .to_le_bytes()
            .to_vec();
        bytes.extend(((target as i64 - (records + 4) as i64) as i32).to_le_bytes());
        bytes.extend([1, kind, 1, 1]);
        bytes
    };
    let build = |record: Vec<u8>| {
        let sections = [
            ("alt_records", records, record),
            ("alt_callbacks", callbacks, vec![0; 24]),
        ];
        let image = image(&[NOP, RET, RET], &sections);
        build(
            &image,
            &[function("f", &[RET]).replaces(0, 8)],
            &More::default(),
        )
        .unwrap_err()
    };
    let error = build(record(0x80, callbacks));
    assert!(
        matches!(error, Error::Computed { address: TEXT, .. }),
        "{error}"
    );
    // A replacement that is nowhere.
    let error = build(record(0, TEXT + 0x9000));
    assert!(
        matches!(error, Error::Site { address: TEXT, .. }),
        "{error}"
    );
}

#[test]
fn a_symbol_that_no_file_can_name_is_refused() {
    let mut f = function("f", &[RET]).replaces(0, 4);
    f.symbol = "f\0g".into();
    let error = refused(&[RET; 4], &[f]);
    assert!(
        matches!(&error, Error::Write(why) if why.contains("f\\0g")),
        "{error}"
    );
}
