//! The partial link of a hypervisor, around the linker: each of its files in turn may be anything,
//! while the others are those of a link that is good. `seeds/hyp.s` explains how they were made.

use alt_linker::namespace::Name;
use alt_linker::partial_link::{PartialLink, PartialLinkError};
use alt_object::inputs::{self, Input, InputKind};

const MANIFEST: &str = include_str!("../../fuzz/corpus/manifest/hyp.toml");
const INPUT: &[u8] = include_bytes!("../../fuzz/corpus/hyp_input/good.o");
const LINKED: &[u8] = include_bytes!("../../fuzz/corpus/hyp_linked/good.o");
const MAP: &str = include_str!("../../fuzz/corpus/hyp_map/good");

/// An object that is to be linked.
pub fn input(data: &[u8]) {
    link(MANIFEST, data, LINKED, MAP);
}

/// The object that the linker has made.
pub fn linked(data: &[u8]) {
    link(MANIFEST, INPUT, data, MAP);
}

/// The map that the linker has written.
pub fn map(data: &[u8]) {
    if let Ok(map) = str::from_utf8(data) {
        link(MANIFEST, INPUT, LINKED, map);
    }
}

/// A manifest that can be read.
pub(crate) fn manifest(text: &str) {
    link(text, INPUT, LINKED, MAP);
}

fn link(manifest: &str, input: &[u8], linked: &[u8], map: &str) {
    let name = Name::new("hyp").expect("a good name");
    let input = Input {
        name: "fuzz.o".into(),
        kind: InputKind::Elf,
        bytes: input.to_vec(),
    };
    let done =
        |error: PartialLinkError| assert!(!error.to_string().is_empty(), "an error says something");
    let inputs = [input];
    let work = match PartialLink::new(&name, ("hyp.toml", manifest), &inputs) {
        Ok(work) => work,
        Err(error) => return done(error),
    };
    assert!(!work.roots().is_empty() && work.script().contains(".hyp.text"));
    let object = match work.finish(linked, map) {
        Ok(object) => object,
        Err(error) => return done(error),
    };
    let read = inputs::parse("hyp.o".into(), object.clone());
    assert!(read.is_ok(), "it is an object: {read:?}");
    let again = work.finish(&object, map);
    assert!(again.is_err(), "it is in the namespace already");
}
