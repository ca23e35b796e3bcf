//! Checks the code for other exception levels in a linked image against its manifest. The addresses
//! of symbols and the final instructions are known only there.

use std::error::Error;
use std::fs;
use std::path::Path;

use alt_image::image::Image;
use alt_image::load::Loaded;
use alt_linker::namespace::SECTION;
use alt_verify::Context;

/// The rules of `alt verify` about namespaces and regions. Without a rules file, the regions of an
/// image are those of its namespaces.
const RULES: [&str; 2] = ["namespace-", "region-"];

/// Reports findings about the namespaces of an image, and then removes it, so that no build can use
/// it. Returns whether there are no findings.
pub fn check(path: &Path) -> Result<bool, Box<dyn Error>> {
    let name = path.display();
    let bytes = fs::read(path).map_err(|why| format!("{name}: {why}"))?;
    // Other outputs, such as a shared object, are not checked.
    let Ok(image) = Image::parse(bytes) else {
        return Ok(true);
    };
    if image.section(SECTION).is_none() {
        return Ok(true);
    }
    if image.symbols().is_empty() {
        eprintln!("alt-ld: not checked: {name}: its namespaces, since it has no symbols");
        return Ok(true);
    }
    let loaded = Loaded::open_any(path, None, &[])?;
    let context = Context::of(&loaded)?;
    let rules =
        alt_verify::rules().filter(|rule| RULES.iter().any(|kind| rule.id.starts_with(kind)));
    let findings = alt_verify::by_rules(&context, rules);
    for finding in &findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() {
        return Ok(true);
    }
    fs::remove_file(path).map_err(|why| format!("{name}: {why}"))?;
    let found = findings.len();
    eprintln!("alt-ld: {name}: removed, {found} found in its namespaces");
    Ok(false)
}
