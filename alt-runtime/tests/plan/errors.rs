//! Every way in which a table can be refused: the error names the site and the
//! cap, and nothing is planned.

use crate::image::{A, AND, Image, LIKELY, NOP, RECORDS, REPLACEMENTS, TEXT};
use alt_runtime::insn::{Form, Insn, MoveError, OutOfReach};
use alt_runtime::patch::{PatchError, PlanError, ReadBackError, Reason};

const ONE: u32 = 0xd280_0020; // mov x0, #1

/// The error at `site` of cap A, whether or not the cap is present: a malformed
/// record is refused on every CPU.
fn refused(image: &Image, site: u64, reason: Reason) {
    let expected = PlanError {
        site,
        cap: 0,
        name: "A",
        reason,
    };
    assert_eq!(image.plan(&[A]).unwrap_err(), expected);
    assert_eq!(image.plan(&[]).unwrap_err(), expected);
    assert_eq!(image.check().unwrap_err(), expected);
}

/// The same, of a record whose arm a pass looks at only if it applies, and the check
/// before all passes in any case.
fn refused_if_present(image: &Image, site: u64, reason: Reason) {
    let expected = PlanError {
        site,
        cap: 0,
        name: "A",
        reason,
    };
    assert_eq!(image.plan(&[A]).unwrap_err(), expected);
    assert_eq!(image.plan(&[]).unwrap().0, []);
    assert_eq!(image.check().unwrap_err(), expected);
}

/// A debugger's BRK, in the site of an alternative and in that of a callback; not one that is the
/// arm's own.
#[test]
fn breakpoint_in_a_site_is_refused_before_the_first_pass() {
    const BRK: u32 = 0xd420_0000;
    const HLT: u32 = 0xd45e_0000;
    for word in [BRK, HLT] {
        let mut image = Image::new();
        image.alternative(TEXT + 8, A.number(), 2, &[ONE, ONE]);
        image.check().unwrap();
        image.text[3] = word;
        let error = image.check().unwrap_err();
        assert_eq!(error.site, TEXT + 8);
        let word = Insn(word);
        assert_eq!(error.reason, Reason::Breakpoint { index: 1, word });
        // Where the pass comes again, an arm may have put it there.
        image.plan(&[A]).unwrap();
    }
    let mut image = Image::new();
    image.nops(TEXT + 8, A.number(), 1);
    image.text[2] = BRK;
    assert!(matches!(
        image.check().unwrap_err().reason,
        Reason::Breakpoint { index: 0, .. }
    ));
    let mut image = Image::new();
    image.alternative(TEXT + 8, A.number(), 1, &[BRK]);
    image.check().unwrap();
    image.text[2] = BRK;
    image.check().unwrap();
}

#[test]
fn misaligned_site() {
    refused(
        Image::new().branch(TEXT + 2, 0, 1),
        TEXT + 2,
        Reason::MisalignedSite,
    );
    let mut image = Image::new();
    refused(
        image.alternative(TEXT + 1, 0, 1, &[ONE]),
        TEXT + 1,
        Reason::MisalignedSite,
    );
}

/// The text of an image is 64 words.
fn outside(len: u8) -> Reason {
    Reason::SiteOutsideText {
        len,
        start: TEXT,
        end: TEXT + 4 * 64,
    }
}

#[test]
fn site_outside_text() {
    let end = TEXT + 4 * 64;
    for site in [TEXT - 4, end, end + 0x1000, RECORDS] {
        refused(Image::new().branch(site, 0, 1), site, outside(1));
    }
    // It begins inside and ends one instruction outside.
    let mut image = Image::new();
    image.alternative(end - 8, 0, 3, &[ONE]);
    refused(&image, end - 8, outside(3));
    let mut image = Image::new();
    assert!(
        image.alternative(end - 8, 0, 2, &[ONE]).plan(&[A]).is_ok(),
        "the last that fits"
    );
}

#[test]
fn unsorted() {
    let mut image = Image::new();
    image.branch(TEXT + 8, 0, 1).branch(TEXT, 0, 1);
    refused(&image, TEXT, Reason::Unsorted { previous: TEXT + 8 });
}

#[test]
fn overlap() {
    let mut image = Image::new();
    image
        .alternative(TEXT, 0, 3, &[ONE])
        .alternative(TEXT + 8, 0, 1, &[ONE]);
    refused(&image, TEXT + 8, Reason::Overlap { previous: TEXT });
    // Over both tables, too, even at the same address.
    let mut image = Image::new();
    image.branch(TEXT, 0, 1).alternative(TEXT, 0, 1, &[ONE]);
    refused(&image, TEXT, Reason::Overlap { previous: TEXT });
}

#[test]
fn unknown_cap() {
    for cap in [3, 255, 0x1fff] {
        let mut image = Image::new();
        let error = image.branch(TEXT, cap, 1).plan(&[A]).unwrap_err();
        let expected = PlanError {
            site: TEXT,
            cap,
            name: "unknown",
            reason: Reason::UnknownCap,
        };
        assert_eq!(error, expected);
        assert_eq!(image.census(&[]).unwrap_err(), expected);
    }
}

#[test]
fn zero_length() {
    refused(
        Image::new().record(TEXT, REPLACEMENTS, 0, 0, 0),
        TEXT,
        Reason::ZeroLength,
    );
    let mut image = Image::new();
    refused_if_present(
        image.record(TEXT, REPLACEMENTS, 0, 1, 0),
        TEXT,
        Reason::ZeroLength,
    );
}

#[test]
fn replacement_too_long() {
    let mut image = Image::new();
    image.alternative(TEXT, 0, 1, &[ONE, ONE]);
    refused_if_present(
        &image,
        TEXT,
        Reason::ReplacementTooLong {
            site: 1,
            replacement: 2,
        },
    );
}

#[test]
fn lengths_differ() {
    let mut image = Image::new();
    image
        .alternative(TEXT, 0, 2, &[ONE])
        .alternative(TEXT, 0, 1, &[ONE]);
    refused(&image, TEXT, Reason::LengthsDiffer { first: 2, other: 1 });
    // Also within one condition.
    let mut image = Image::new();
    image
        .alternative(TEXT, AND, 2, &[ONE])
        .alternative(TEXT, 0, 1, &[ONE]);
    refused(&image, TEXT, Reason::LengthsDiffer { first: 2, other: 1 });
}

#[test]
fn dangling_and() {
    let mut image = Image::new();
    image.branch(TEXT, AND, 1).branch(TEXT + 8, 0, 1);
    refused(&image, TEXT, Reason::DanglingAnd);
}

#[test]
fn replacement_outside() {
    let end = TEXT + 4 * 64;
    for replacement in [
        REPLACEMENTS - 4,
        REPLACEMENTS + 4,
        REPLACEMENTS + 2,
        TEXT - 4,
        TEXT + 0x82,
        end - 4,
        end,
    ] {
        let mut image = Image::new();
        image.replacements = vec![ONE, ONE];
        image.record(TEXT, replacement, 0, 2, 2);
        refused_if_present(&image, TEXT, Reason::ReplacementOutside { replacement });
    }
}

/// A replacement may be in the text, but no other site may change it.
#[test]
fn replacement_overlaps_a_site() {
    let mut image = Image::new();
    image.branch(TEXT + 0x10, 1, 1).branch(TEXT + 0x80, 1, 1);
    image.text[8..10].fill(ONE);
    image
        .alternative(TEXT + 0x20, 1, 2, &[ONE, ONE])
        .record(TEXT + 0x40, 0, 0, 2, 2);
    let table = image.records.clone();
    for (replacement, overlaps) in [
        (TEXT + 8, None),
        (TEXT + 0xc, Some(TEXT + 0x10)),
        (TEXT + 0x10, Some(TEXT + 0x10)),
        (TEXT + 0x14, None),
        (TEXT + 0x18, None),
        (TEXT + 0x1c, Some(TEXT + 0x20)),
        (TEXT + 0x24, Some(TEXT + 0x20)),
        (TEXT + 0x28, None),
        (TEXT + 0x3c, Some(TEXT + 0x40)),
        (TEXT + 0x44, Some(TEXT + 0x40)),
        (TEXT + 0x48, None),
        (TEXT + 0x7c, Some(TEXT + 0x80)),
        (TEXT + 0x84, None),
        (TEXT + 0xf8, None),
    ] {
        image.records = table[..1].to_vec();
        image.record(TEXT + 0x40, replacement, 0, 2, 2);
        match overlaps {
            Some(site) => refused_if_present(
                &image,
                TEXT + 0x40,
                Reason::ReplacementOverlaps { replacement, site },
            ),
            None => assert!(image.plan(&[A]).is_ok(), "{replacement:#x}"),
        }
    }
}

#[test]
fn unexpected_word() {
    let mut image = Image::new();
    image.text[0] = ONE;
    image.branch(TEXT, 0, 1);
    let found = Insn(ONE);
    refused_if_present(
        &image,
        TEXT,
        Reason::UnexpectedWord {
            found,
            expected: Insn(NOP),
        },
    );
    // The likely form expects the branch that the record describes.
    image.branches.clear();
    image.branch(TEXT, LIKELY, 1);
    let expected = Insn(0x1400_0001);
    refused_if_present(&image, TEXT, Reason::UnexpectedWord { found, expected });
}

#[test]
fn branch_outside_text() {
    for (words, target) in [
        (64, TEXT + 0x100),
        (-1, TEXT - 4),
        (i16::MIN, TEXT - 0x2_0000),
    ] {
        let mut image = Image::new();
        image.branch(TEXT, 0, words);
        refused_if_present(&image, TEXT, Reason::BranchOutsideText { target });
    }
}

/// A branch out of the text that is there already becomes a NOP; the check of all arms, which
/// knows no CPU, still says so.
#[test]
fn branch_that_is_there_may_leave_the_text() {
    let mut image = Image::new();
    image.text[0] = 0x17ff_ffff; // b .-4
    image.branch(TEXT, LIKELY, -1);
    assert_eq!(image.plan(&[A]).unwrap().0, [(TEXT, 0x17ff_ffff, NOP)]);
    assert_eq!(image.plan(&[]).unwrap().0, []);
    let target = TEXT - 4;
    let error = image.check().unwrap_err();
    assert_eq!(error.reason, Reason::BranchOutsideText { target });
}

#[test]
fn replacement_refers_to_replacements() {
    // ldr x0, .+8: a literal in the replacement itself
    let literal = 0x5800_0040;
    let mut image = Image::new();
    image.alternative(TEXT, 0, 4, &[ONE, literal, ONE, ONE]);
    refused_if_present(
        &image,
        TEXT,
        Reason::TargetsReplacements {
            index: 1,
            word: Insn(literal),
            target: REPLACEMENTS + 12,
        },
    );
    // b .+8: into the replacement of another site
    let foreign = 0x1400_0002;
    let mut image = Image::new();
    image
        .alternative(TEXT, 0, 1, &[foreign])
        .alternative(TEXT + 4, 0, 2, &[ONE, ONE]);
    refused_if_present(
        &image,
        TEXT,
        Reason::TargetsReplacements {
            index: 0,
            word: Insn(foreign),
            target: REPLACEMENTS + 8,
        },
    );
}

#[test]
fn out_of_reach() {
    // b.eq TEXT + 0x2fff40, assembled at REPLACEMENTS + 4: 3 MiB from the site
    let word = 0x54ff_f9e0;
    let mut image = Image::new();
    image.alternative(TEXT, 0, 2, &[ONE, word]);
    let displacement = 0x2f_ff40 - 4;
    let error = MoveError::OutOfReach(OutOfReach {
        form: Form::BCond,
        displacement,
    });
    refused_if_present(
        &image,
        TEXT,
        Reason::CannotMove {
            index: 1,
            word: Insn(word),
            error,
        },
    );
}

#[test]
fn instruction_that_signs_its_address() {
    let paciasppc = 0xdac1_a3fe;
    let mut image = Image::new();
    image.alternative(TEXT, 0, 1, &[paciasppc]);
    let error = MoveError::SignsPc(Insn(paciasppc));
    refused_if_present(
        &image,
        TEXT,
        Reason::CannotMove {
            index: 0,
            word: Insn(paciasppc),
            error,
        },
    );
}

#[test]
fn plan_too_small() {
    let mut image = Image::new();
    image.room = 1;
    image.alternative(TEXT, 0, 2, &[ONE, ONE]);
    let reason = Reason::PlanTooSmall { room: 1, needed: 2 };
    assert_eq!(image.plan(&[A]).unwrap_err().reason, reason);
    assert_eq!(image.plan(&[]).unwrap().0, []);
    image.room = 2;
    assert!(
        image.plan(&[A]).is_ok(),
        "one entry for each word is enough"
    );
    // One more site of each kind.
    let (mut branch, mut one_word) = (Image::new(), Image::new());
    branch.branch(TEXT, 0, 1).branch(TEXT + 8, 0, 1);
    one_word
        .alternative(TEXT, 0, 1, &[ONE])
        .alternative(TEXT + 8, 0, 1, &[ONE]);
    for mut image in [branch, one_word] {
        image.room = 1;
        let error = image.plan(&[A]).unwrap_err();
        assert_eq!((error.site, error.reason), (TEXT + 8, reason));
    }
}

/// The first bad record is reported although good ones come before it: there is
/// no plan at all then.
#[test]
fn one_bad_record_refuses_the_table() {
    let mut image = Image::new();
    image
        .branch(TEXT, 0, 1)
        .branch(TEXT + 4, 0, 1)
        .branch(TEXT + 0x1000, 0, 1);
    refused(&image, TEXT + 0x1000, outside(1));
}

/// A person reads these at boot: site, cap by name and number, and the reason.
#[test]
fn errors_name_site_cap_and_reason() {
    let mut image = Image::new();
    image.branch(TEXT + 2, 0, 1);
    assert_eq!(
        image.plan(&[]).unwrap_err().to_string(),
        "site 0xffff800000010002, cap A (0): the site is not 4-byte aligned"
    );
    let plan = image.plan(&[]).unwrap_err();
    let texts = [
        PatchError::<&str>::Plan(plan).to_string(),
        PatchError::Alias("no memory").to_string(),
        PatchError::<&str>::ReadBack(ReadBackError {
            address: TEXT,
            expected: Insn(NOP),
        })
        .to_string(),
    ];
    assert_eq!(texts[0], plan.to_string());
    assert_eq!(texts[1], "the writable alias of the text: no memory");
    assert!(
        texts[2].starts_with("0xd503201f was written for 0xffff800000010000 but"),
        "{}",
        texts[2]
    );
}
