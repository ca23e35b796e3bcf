//! The rules of `alt verify` for payloads: the loader's checks, before the payload is on the machine.
//!
//! Without the image, the loader's parser checks the payload. With the image, so do the checks that the
//! loader makes against the running image.

#[cfg(test)]
mod docs;
mod image;
mod rules;

use alt_image::image::Image;
use alt_runtime::livepatch::Payload;
use alt_runtime::livepatch::format::PT_DESCRIPTION;
use alt_verify::{Diagnostic, Location, Severity};
use object::LittleEndian;
use object::elf::FileHeader64;
use object::read::elf::{FileHeader as _, ProgramHeader as _};

pub use rules::{RULES, Rule, of_error};

/// Checks a payload; with the image that it is for, also against that. `parent` is the file of the
/// payload that will have been applied last.
pub fn verify(file: &[u8], image: Option<&Image>, parent: Option<&[u8]>) -> Vec<Diagnostic> {
    let payload = match Payload::parse(file) {
        Ok(payload) => payload,
        // The parser stops at the first error.
        Err(error) => return vec![finding(of_error(&error), 0, None, error.to_string())],
    };
    let mut findings = Vec::new();
    if let Some(image) = image {
        image::check(file, &payload, image, &mut findings);
    }
    if let Some(parent) = parent {
        image::check_parent(&payload, parent, &mut findings);
    }
    findings
}

/// Whether a file is a payload, valid or not: it has a segment with a description. The
/// start of the file suffices.
pub fn is_payload(file: &[u8]) -> bool {
    let Ok(header) = FileHeader64::<LittleEndian>::parse(file) else {
        return false;
    };
    let Ok(segments) = header.program_headers(LittleEndian, file) else {
        return false;
    };
    let mut types = segments
        .iter()
        .map(|segment| segment.p_type(LittleEndian).0);
    types.any(|kind| kind == PT_DESCRIPTION)
}

/// A finding about a place of the payload or of the image.
fn finding(
    rule: &'static Rule,
    address: u64,
    symbol: Option<String>,
    message: String,
) -> Diagnostic {
    Diagnostic {
        location: Some(Location::Image { address, symbol }),
        help: rule.advice.into(),
        ..Diagnostic::new(rule.id, Severity::Error, message)
    }
}
