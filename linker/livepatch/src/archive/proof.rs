//! Proves from the image, the arguments and the objects of a link that the [flags](super::flags)
//! were in use. rustc does not pass its own flags to the linker.

use std::collections::{BTreeMap, BTreeSet};

use alt_image::image::Image;
use alt_object::object::{Object, Place, Symbol};
use gimli::{DebugAbbrev, DebugAbbrevOffset, LittleEndian};
use object::elf::STT_FUNC;

use super::flags::Flag;
use super::{BuildId, KeepError, Missing};

/// The number of functions from which on missing types prove that the object has no full debug information.
const ENOUGH: usize = 4;

/// An object that took part in the link.
#[derive(Debug)]
pub struct Taken {
    /// Its name in the map.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The compilers that made it.
    pub producer: Vec<String>,
}

/// The flags that the link lacks.
pub fn missing(
    image: &Image,
    options: &[String],
    taken: &[Taken],
) -> Result<Vec<Missing>, KeepError> {
    let mut found = BTreeMap::new();
    let mut note = |flag, evidence: String| {
        found.entry(flag).or_insert(evidence);
    };
    if !options
        .iter()
        .any(|o| ["--emit-relocs", "-emit-relocs", "-q"].contains(&o.as_str()))
    {
        note(Flag::EmitRelocs, "the image has no relocations".into());
    }
    if BuildId::of(image).is_none() {
        note(
            Flag::BuildId,
            "the image has no build id of 20 bytes".into(),
        );
    }
    // The crates of the toolchain are compiled already; they change with it only.
    let own = taken
        .iter()
        .filter(|input| is_rust(&input.name) && !is_toolchain(&input.name));
    let mut own: Vec<_> = own.collect();
    for (unit, objects) in units(&own) {
        if let [first, second, ..] = &objects[..] {
            let evidence = format!("{unit} has several codegen units: {first}, {second}");
            note(Flag::CodegenUnits, evidence);
        }
    }
    if let Some(input) = own
        .iter()
        .find(|input| input.name.contains(".rcgu.o.rcgu.o"))
    {
        note(Flag::Lto, format!("{}: code by thin LTO", input.name));
        // The crates of the toolchain have no folder now that would identify them.
        own.clear();
    }
    for input in own {
        let damaged = |why: alt_object::object::ObjectError| KeepError::Object {
            name: input.name.clone(),
            why: why.to_string(),
        };
        let object = Object::parse(&input.bytes).map_err(damaged)?;
        for (flag, evidence) in by_object(&object).map_err(damaged)? {
            note(flag, format!("{}: {evidence}", input.name));
        }
    }
    let found = found.into_iter();
    Ok(found
        .map(|(flag, evidence)| Missing { flag, evidence })
        .collect())
}

/// An object that rustc made.
fn is_rust(name: &str) -> bool {
    name.trim_end_matches(')').ends_with(".rcgu.o")
}

/// A crate of the toolchain: by its folder or, if `alt-ld` has rewritten its calls of outline atomics
/// to a file `IMAGE.atomics/NUMBER-NAME`, by its name.
fn is_toolchain(name: &str) -> bool {
    const CRATES: [&str; 3] = ["libcore-", "liballoc-", "libcompiler_builtins-"];
    let rewritten = || {
        let (_, file) = name.split_once(".atomics")?;
        let (_, file) = file.get(1..)?.split_once('-')?;
        Some(CRATES.iter().any(|known| file.starts_with(known)))
    };
    name.contains("/rustlib/") || name.contains("\\rustlib\\") || rewritten() == Some(true)
}

/// The names of objects by crate. rustc names an object `CRATE.HASH-cgu.N.rcgu.o`, or, with
/// incremental compilation, `CRATE.HASH.rcgu.o`; the part before the last dots is common to the
/// units of a crate.
fn units<'a>(own: &[&'a Taken]) -> BTreeMap<String, Vec<&'a str>> {
    let mut units: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for input in own {
        let name = input.name.as_str();
        let stem = name.trim_end_matches(')').trim_end_matches(".rcgu.o");
        let unit = match stem.rsplit_once("-cgu.") {
            Some((unit, _)) => unit,
            // The shim of the allocator has a name of its own form.
            None => stem.rsplit_once('.').map_or(stem, |(unit, _)| unit),
        };
        units.entry(unit.to_owned()).or_default().push(name);
    }
    units
}

type Evidence = Vec<(Flag, String)>;

fn by_object(object: &Object<'_>) -> Result<Evidence, alt_object::object::ObjectError> {
    let mut found = Vec::new();
    let functions = || object.symbols.iter().filter(|symbol| is_function(symbol));
    // The symbol is private, so only the section shows its name: `.data..L_MergedGlobals`.
    let merged = |name: &[u8]| name.windows(14).any(|part| part == b"_MergedGlobals");
    let names = object.symbols.iter().map(|symbol| symbol.name);
    let mut names = names.chain(object.sections.iter().map(|section| section.name));
    if names.any(merged) {
        let evidence = "its statics are in one block, _MergedGlobals";
        found.push((Flag::GlobalMerge, evidence.to_owned()));
    }
    let mut places = BTreeMap::new();
    for symbol in functions() {
        let Place::In(section, offset) = symbol.place else {
            continue;
        };
        if let Some(other) = places.insert((section, offset), symbol.name) {
            let [one, other] = [other, symbol.name].map(String::from_utf8_lossy);
            let evidence = format!("`{one}` and `{other}` are names of one function");
            found.push((Flag::MergeFunctions, evidence));
            break;
        }
    }
    let (mut calling, mut with_frame) = (0, 0);
    for symbol in functions() {
        let Place::In(section, offset) = symbol.place else {
            continue;
        };
        let bytes = object.contents(section)?;
        let end = usize::try_from(offset.saturating_add(symbol.size)).unwrap_or(usize::MAX);
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let text = bytes.get(start..end.min(bytes.len())).unwrap_or_default();
        let words = || {
            text.as_chunks::<4>()
                .0
                .iter()
                .map(|word| u32::from_le_bytes(*word))
        };
        // A naked function may call others without keeping its return address.
        if words().any(is_call) && words().any(saves_link_register) {
            calling += 1;
            with_frame += usize::from(words().any(sets_frame_pointer));
        }
    }
    if calling > 1 && with_frame * 2 < calling {
        let evidence = format!("{with_frame} of {calling} functions that call others set x29");
        found.push((Flag::FramePointers, evidence));
    }
    if functions().count() >= ENOUGH && !has_types(object)? {
        let evidence = "it has no debug information about types";
        found.push((Flag::Debug, evidence.to_owned()));
    }
    Ok(found)
}

/// A function of a Rust source, by its mangled name: not one of assembly.
fn is_function(symbol: &Symbol<'_>) -> bool {
    let mangled = symbol.name.starts_with(b"_ZN") || symbol.name.starts_with(b"_R");
    symbol.kind == STT_FUNC && symbol.size != 0 && mangled
}

/// `BL` or `BLR` (Arm ARM, C6.2).
fn is_call(word: u32) -> bool {
    word >> 26 == 0b100101 || word & 0xffff_fc1f == 0xd63f_0000
}

/// `STP` with x30, or `STR x30`, to the stack.
fn saves_link_register(word: u32) -> bool {
    let (first, base, second) = (word & 31, word >> 5 & 31, word >> 10 & 31);
    let pair = word & 0xfc40_0000 == 0xa800_0000 && (first == 30 || second == 30);
    let offset = word & 0xffc0_0000 == 0xf900_0000;
    let pre_index = word & 0xffe0_0c00 == 0xf800_0c00;
    base == 31 && (pair || (offset || pre_index) && first == 30)
}

/// `ADD x29, sp, #imm`, which `MOV x29, sp` is as well.
fn sets_frame_pointer(word: u32) -> bool {
    word & 0xffc0_03ff == 0x9100_03fd
}

/// With `debug=1`, there are functions and lines, but neither types nor variables.
fn has_types(object: &Object<'_>) -> Result<bool, alt_object::object::ObjectError> {
    let section = object
        .sections
        .iter()
        .position(|s| s.name == b".debug_abbrev");
    let Some(section) = section else {
        return Ok(false);
    };
    let data = DebugAbbrev::new(object.contents(section)?, LittleEndian);
    let Ok(table) = data.abbreviations(DebugAbbrevOffset(0)) else {
        return Ok(false);
    };
    let types = BTreeSet::from([
        gimli::DW_TAG_base_type.0,
        gimli::DW_TAG_structure_type.0,
        gimli::DW_TAG_formal_parameter.0,
    ]);
    let mut tags = (1..)
        .map_while(|code| table.get(code))
        .map(|entry| entry.tag().0);
    Ok(tags.any(|tag| types.contains(&tag)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_of_the_toolchain_are_known_by_folder_or_name() {
        for (name, expected) in [
            (
                "/x/lib/rustlib/aarch64-unknown-none/lib/libcore-1e.rlib(core-1e.core.82-cgu.0.rcgu.o)",
                true,
            ),
            (
                "/x/kernel.atomics/30-libcompiler_builtins-3e.rlib(compiler_builtins-3e.c.5-cgu.1.rcgu.o)",
                true,
            ),
            (
                "/x/kernel.atomics/29-libalt_runtime-3b.rlib(alt_runtime-3b.alt_runtime.ab-cgu.0.rcgu.o)",
                false,
            ),
            ("/x/kernel.atomics/1-kernel.cf-cgu.0.rcgu.o", false),
            ("/x/libcore-1e.rlib(core-1e.core.82-cgu.0.rcgu.o)", false),
        ] {
            assert_eq!(is_toolchain(name), expected, "{name}");
        }
    }
}
