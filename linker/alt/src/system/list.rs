//! Cpucaps that the user lists as present.

use std::error::Error;

use alt_image::caps::Caps;
use alt_image::load::Loaded;
use alt_image::names::CapNames;
use alt_runtime::cap::{Cap, CapSet, CapTable};

/// The cpucaps of a list of names and numbers.
pub fn present(list: &str, opened: &Loaded) -> Result<(&'static CapTable, CapSet), Box<dyn Error>> {
    let table = table(opened)?;
    let words = list
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    let caps = words.map(|word| one(word, &opened.names, table));
    Ok((table, caps.collect::<Result<_, _>>()?))
}

/// The table of cpucaps of the image.
pub fn table(opened: &Loaded) -> Result<&'static CapTable, Box<dyn Error>> {
    match &opened.caps[..] {
        [] => Ok(opened.names.table()),
        [caps] => Ok(Caps::table(caps)),
        _ => Err(super::decide::SEVERAL.into()),
    }
}

fn one(word: &str, names: &CapNames, table: &CapTable) -> Result<Cap, String> {
    let number = names.number(word);
    match number.and_then(|number| table.get(number)) {
        Some(info) if info.cap.is_possible() => Ok(info.cap),
        Some(info) => Err(format!(
            "cpucap {} is ruled out by the configuration of this image, or depends on it: no site \
             of the image becomes what it asks for",
            info.name
        )),
        None => Err(unknown(word, number.is_some(), names, table)),
    }
}

fn unknown(word: &str, is_number: bool, names: &CapNames, table: &CapTable) -> String {
    let last = table.len().saturating_sub(1);
    if is_number || word.bytes().all(|byte| byte.is_ascii_digit()) {
        return match names.get(0).zip(names.iter().last()) {
            Some((first, name)) => format!(
                "there is no cpucap {word}: they have numbers from 0 ({first}) to {last} ({name})"
            ),
            None => format!("there is no cpucap {word}: numbers go from 0 to {last}"),
        };
    }
    if names.is_empty() {
        return format!(
            "the names of this image's cpucaps are not known: give the number of {word}, or the \
             list of names by --cpucaps; Linux's is arch/arm64/tools/cpucaps of the very source \
             that the image was built from"
        );
    }
    format!("there is no cpucap {word}: {}", names.offered(word))
}
