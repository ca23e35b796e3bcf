//! Random changes of the tables: only words that sign or authenticate are ever rewritten.

use std::cell::Cell;

use alt_runtime::shadow_call_stack::ShadowReport;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::fixture::Image;
use test_support::Cross;
use test_support::signing::{AUTIASP, PACIASP, SOURCE};

/// As the assembler has them.
const PUSH: u32 = 0xf800_865e;
const POP: u32 = 0xf85f_8e5e;

/// functions.s without the long one, which would be most of the text.
fn short_functions() -> String {
    let all = SOURCE;
    let (start, rest) = all.split_once("// So long").unwrap();
    let (_, end) = rest.split_once("// Code of another").unwrap();
    format!("{start}// Code of another{end}")
}

/// Plans, and checks what must hold of every plan.
fn is_sound(image: &Image) -> Result<bool, TestCaseError> {
    let Ok((writes, report)) = image.plan_for(&image.region(), &[image.hypervisor()], 32) else {
        return Ok(false);
    };
    let mut next = image.text.0;
    for (address, before, after) in &writes {
        prop_assert!(*address >= next && address.is_multiple_of(4));
        next = address + 4;
        let index = (address - image.text.0) / 4;
        prop_assert_eq!(image.text.1.get(index as usize), Some(before));
        prop_assert!([(PACIASP, PUSH), (AUTIASP, POP)].contains(&(*before, *after)));
    }
    let ShadowReport {
        sites,
        functions,
        excluded,
        ..
    } = report;
    prop_assert_eq!(sites as usize, writes.len());
    prop_assert!(excluded <= functions);
    Ok(true)
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[test]
fn changes_of_tables_and_text() {
    let test = "changes_of_tables_and_text";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let image = Image::new(&cross, test, &short_functions());
    let len = image.eh_frame.1.len();
    let words = image.text.1.len();
    let bytes = prop::collection::vec((0..len, any::<u8>()), 0..4);
    let text = prop::collection::vec((0..words, 0..5_usize), 0..3);
    let (sound, refused) = (Cell::new(0), Cell::new(0));
    let outcome = TestRunner::new(config()).run(&(bytes, text, 0..=len), |(bytes, text, cut)| {
        let mut image = image.clone();
        for (at, byte) in bytes {
            image.eh_frame.1[at] = byte;
        }
        for (at, which) in text {
            image.text.1[at] = [PACIASP, AUTIASP, PUSH, POP, 0][which];
        }
        // Half of them whole.
        image.eh_frame.1.truncate(cut.saturating_mul(2).min(len));
        match is_sound(&image)? {
            true => sound.set(sound.get() + 1),
            false => refused.set(refused.get() + 1),
        }
        Ok(())
    });
    outcome.unwrap();
    // Else it would be no test.
    let (sound, refused) = (sound.get(), refused.get());
    assert!(sound > 1_000 && refused > 1_000, "{sound}, {refused}");
}

#[test]
fn any_bytes() {
    let test = "any_bytes";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let mut image = Image::new(&cross, test, &short_functions());
    let cie = image.eh_frame.1[..24].to_vec();
    let entry = prop::collection::vec(any::<u8>(), 0..64);
    let entries = prop::collection::vec(entry, 0..4);
    let outcome = TestRunner::new(config()).run(&(entries, any::<bool>()), |(entries, framed)| {
        let mut bytes = cie.clone();
        for entry in entries {
            if framed {
                // The length, and the CIE; the rest is random.
                bytes.extend((entry.len() as u32 + 4).to_le_bytes());
                bytes.extend((bytes.len() as u32).to_le_bytes());
            }
            bytes.extend(entry);
        }
        let mut image = image.clone();
        image.eh_frame.1 = bytes;
        is_sound(&image).map(|_| ())
    });
    outcome.unwrap();
    image.eh_frame.1.clear();
    assert!(is_sound(&image).unwrap());
}
