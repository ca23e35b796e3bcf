//! `alt finish`.

use std::fs;

use crate::fixture::Fixture;
use crate::run::alt;

/// An image without outline atomics has nothing to add; what cannot be read is refused.
#[test]
fn an_image_without_calls_stays_as_it_is() {
    let Some(fixture) = Fixture::new("an_image_without_calls_stays_as_it_is") else {
        return;
    };
    let out = fixture.file("out");
    let (path, output) = (fixture.path().display(), out.display());
    let before = fs::read(fixture.path()).unwrap();
    let ran = alt(["finish", &path.to_string(), "-o", &output.to_string()]);
    assert_eq!(ran.clean(), "");
    assert_eq!(fs::read(&out).unwrap(), before);
    let ran = alt(["finish", &path.to_string()]);
    assert_eq!(ran.clean(), "");
    assert_eq!(fs::read(fixture.path()).unwrap(), before);

    let damaged = fixture.write("damaged", &before[..before.len() / 2]);
    alt(["finish", &damaged.display().to_string(), "-o", "never"]).refused(&["damaged"]);
    assert!(!fixture.file("never").exists());
}
