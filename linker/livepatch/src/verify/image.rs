//! The loader's checks against the running image.

use std::collections::BTreeSet;

use alt_image::image::Image;
use alt_image::names::ANY_CAP;
use alt_image::patching::Host;
use alt_image::records::Records;
use alt_runtime::livepatch::Payload;
use alt_runtime::livepatch::format::{FUNCTION_LANDING_PAD, Function, SEGMENT_ALIGN};
use alt_runtime::patch;
use alt_runtime::region::Table;
use alt_verify::Diagnostic;

use super::{finding, rules};
use crate::archive::BuildId;
use crate::payload::{InMemory, OldImage, PayloadBuildError, PlaceError, hex, is_landing_pad};

/// A B reaches 128 MiB (Arm ARM C6.2.26).
const REACH: u64 = 128 << 20;

/// Reports all that the loader would refuse for this image.
pub(super) fn check(
    file: &[u8],
    payload: &Payload<'_>,
    image: &Image,
    findings: &mut Vec<Diagnostic>,
) {
    let Some(id) = BuildId::of(image).filter(|id| id.id == payload.image()) else {
        let found = BuildId::of(image).map_or_else(|| "none".into(), |id| id.to_string());
        let expected = hex(&payload.image());
        let explanation =
            format!("the payload is for the image {expected}; the image's id: {found}");
        findings.push(finding(&rules::IMAGE, 0, None, explanation));
        return;
    };
    let at = |offset: u32| id.anchor.wrapping_add_signed(i64::from(offset as i32));
    let old = OldImage::new(image).ok();
    for function in payload.functions() {
        check_function(
            payload,
            image,
            old.as_ref(),
            &function,
            at(function.old),
            findings,
        );
    }
    for expectation in payload.expectations() {
        let address = at(expectation.place);
        let label = image.place(address).map(|place| place.to_string());
        let Some(word) = image.word(address) else {
            let explanation = "an expected word is not in the text of the image".to_owned();
            findings.push(finding(&rules::OUTSIDE_TEXT, address, label, explanation));
            continue;
        };
        let possible = old
            .as_ref()
            .and_then(|old| old.words("", address, word).ok());
        if possible.is_some_and(|words| !words.contains(&expectation.word)) {
            let expected = expectation.word;
            let explanation = format!("expected {expected:08x}, and the image has {word:08x}");
            findings.push(finding(&rules::EXPECTED_WORD, address, label, explanation));
        }
    }
    check_sites(file, payload, image, id.anchor, findings);
}

fn check_function(
    payload: &Payload<'_>,
    image: &Image,
    old: Option<&OldImage<'_>>,
    function: &Function,
    address: u64,
    findings: &mut Vec<Diagnostic>,
) {
    let name = payload.text(function.name, function.name_len).to_owned();
    let mut report = |rule, explanation: String| {
        findings.push(finding(rule, address, Some(name.clone()), explanation));
    };
    if !image.is_text_for(address, function.old_size.into()) {
        return report(
            &rules::OUTSIDE_TEXT,
            "the old function is not in the text of the image".into(),
        );
    }
    let first = image.word(address).unwrap_or_default();
    let new = payload.bytes_at(function.new).and_then(<[u8]>::first_chunk);
    let new = new.map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let stays = function.flags & FUNCTION_LANDING_PAD != 0;
    if stays != is_landing_pad(first) || stays && first != new {
        let explanation = format!(
            "the old function begins with {first:08x}, the new one with {new:08x}, and the payload \
             says that a landing pad {}",
            if stays { "stays" } else { "is not there" }
        );
        return report(&rules::LANDING_PAD, explanation);
    }
    let place = address + if stays { 4 } else { 0 };
    let Some(old) = old else { return };
    let word = image.word(place).unwrap_or_default();
    match old.words(&name, place, word) {
        Ok(words) => {
            let stated: BTreeSet<_> = payload.words(function).collect();
            let text = |words: &BTreeSet<u32>| {
                let words: Vec<_> = words.iter().map(|word| format!("{word:08x}")).collect();
                words.join(", ")
            };
            let words: BTreeSet<_> = words.into_iter().collect();
            if words != stated {
                let explanation = format!(
                    "the payload expects {} at the entry, and the image may hold {}",
                    text(&stated),
                    text(&words)
                );
                report(&rules::ENTRY_WORDS, explanation);
            }
        }
        Err(error @ PayloadBuildError::Computed { .. }) => {
            report(&rules::ENTRY_WORDS, error.to_string());
        }
        // `alt verify` of the image reports damaged records.
        Err(_) => {}
    }
}

/// Puts the payload before or after the text, as a kernel would, and checks its sites there.
fn check_sites(
    file: &[u8],
    payload: &Payload<'_>,
    image: &Image,
    anchor: u64,
    findings: &mut Vec<Diagnostic>,
) {
    let ends = image.loaded().map(|section| section.range.end);
    let end = ends.max().unwrap_or(anchor);
    // Where nothing follows the text, as little fits as at the largest address.
    let end = end
        .checked_next_multiple_of(SEGMENT_ALIGN.into())
        .unwrap_or(!u64::from(SEGMENT_ALIGN - 1));
    let distances = payload.functions().map(|function| {
        let old = anchor.wrapping_add_signed(i64::from(function.old as i32));
        end.wrapping_add(function.new.into()).abs_diff(old)
    });
    if let Some(far) = distances.max().filter(|far| *far >= REACH) {
        let explanation = format!("a new function would be {far} bytes from the old one");
        findings.push(finding(&rules::REACH, end, None, explanation));
        return;
    }
    let loaded = match InMemory::new(file, payload, end, anchor) {
        Ok(loaded) => loaded,
        Err(error) => {
            let at = match error {
                PlaceError::Relocation { place, .. } => place.into(),
                PlaceError::End { base } => base,
            };
            findings.push(finding(&rules::REACH, at, None, error.to_string()));
            return;
        }
    };
    let host = Records::find_any(image, None)
        .ok()
        .and_then(|records| Host::new(image, &records).ok());
    let callbacks = host
        .as_ref()
        .map_or(Table::new(0, &[]), |host| host.region().callbacks);
    if let Err(error) = patch::check(&loaded.region(callbacks), &ANY_CAP) {
        let place = error.site.wrapping_sub(end);
        findings.push(finding(&rules::SITE, place, None, error.to_string()));
    }
}

/// Reports a parent that is not the payload applied last.
pub(super) fn check_parent(payload: &Payload<'_>, parent: &[u8], findings: &mut Vec<Diagnostic>) {
    let explanation = match Payload::parse(parent) {
        Ok(parent) if parent.id() == payload.parent() => return,
        Ok(parent) => format!(
            "the payload builds on {}, and the one before it is {}",
            hex(&payload.parent()),
            hex(&parent.id())
        ),
        Err(error) => format!("the payload before it cannot be read: {error}"),
    };
    findings.push(finding(&rules::PARENT, 0, None, explanation));
}
