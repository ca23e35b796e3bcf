//! One fixture: what its head says, and the image that it makes.

use std::fs;
use std::path::{Path, PathBuf};

use alt_image::caps::Caps;
use alt_image::image::Image;
use alt_image::names::CapNames;
use alt_image::records::Records;
use alt_verify::config::Config;
use alt_verify::{Context, Diagnostic};
use libtest_mimic::Failed;
use tempfile::TempDir;

use test_support::{Cross, workspace};

pub struct Fixture {
    path: PathBuf,
    /// The name of the file without what follows the last dot.
    pub name: String,
    /// The id of the rule that it breaks, or `clean`.
    pub rule: String,
    /// Keys and values of its head.
    head: Vec<(String, String)>,
    text: String,
}

impl Fixture {
    pub fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).expect("a fixture can be read");
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let head = text.lines().filter_map(|line| {
            let (key, value) = line.strip_prefix("// ")?.split_once(": ")?;
            let keys = [
                "finding", "help", "path", "caps", "rules", "script", "link", "finish", "poke",
                "drop",
            ];
            keys.contains(&key)
                .then(|| (key.to_owned(), value.trim().to_owned()))
        });
        let head = head.collect();
        Self {
            rule: name.split('.').next().unwrap_or_default().to_owned(),
            name: name.into_owned(),
            head,
            path,
            text,
        }
    }

    /// The same with a part of its text changed, which must be there once.
    pub fn changed(self, from: &str, to: &str) -> Result<Self, Failed> {
        if self.text.matches(from).count() != 1 {
            return Err(format!("{} has not one {from:?}", self.name).into());
        }
        let text = self.text.replace(from, to);
        Ok(Self { text, ..self })
    }

    fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.head.iter().filter(move |(name, _)| name == key);
        lines.map(|(_, value)| value.as_str())
    }

    /// Compiles and links it, and changes the bytes that it says.
    pub fn image(&self, cross: &Cross) -> Result<Image, Failed> {
        let dir = TempDir::new()?;
        alt_linker::write_scripts(dir.path())?;
        let (source, out) = (self.source(dir.path())?, dir.path().join("image"));
        let here = workspace().join("linker/verify/tests/verify");
        let script = self.all("script").next().unwrap_or("support/image.ld");
        let mut rustc = cross.rustc();
        rustc
            .env("FIXTURE", dir.path().join("fixture.s"))
            .arg(source)
            .arg("-o")
            .arg(&out)
            .arg("-L")
            .arg(dir.path())
            .arg(format!("-Clink-arg=-T{}", here.join(script).display()))
            .args(["-Clink-arg=--emit-relocs", "-Clink-arg=--no-gc-sections"])
            .args(self.all("link").map(|arg| format!("-Clink-arg={arg}")));
        let output = rustc.output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let mut bytes = fs::read(&out)?;
        for what in self.all("drop") {
            // SHT_RELA, SHT_SYMTAB; relocations say which symbols they mean.
            let kinds: &[u32] = match what {
                "relocations" => &[4],
                "symbols" => &[4, 2],
                _ => return Err(format!("`drop: {what}`").into()),
            };
            hide(kinds, &mut bytes)?;
        }
        let mut image = Image::parse(bytes.clone())?;
        if self.all("finish").next().is_some() {
            bytes = alt_finish::finish(image, &self.name)?.data;
            image = Image::parse(bytes.clone())?;
        }
        for poke in self.all("poke") {
            let (place, new) = poke.split_once(" = ").ok_or("`poke: PLACE = BYTES`")?;
            let address = address(&image, place)?;
            let section = image.section_at(address);
            let offset = section.and_then(|section| section.offset_of(address));
            let offset = offset.ok_or("the place of a poke is not in the file")?;
            for (index, byte) in new.split(' ').enumerate() {
                bytes[offset + index] = u8::from_str_radix(byte, 16)?;
            }
        }
        Ok(Image::parse(bytes)?)
    }

    /// What rustc compiles; assembler text goes into a file of its own.
    fn source(&self, dir: &Path) -> Result<PathBuf, Failed> {
        if self
            .path
            .extension()
            .is_some_and(|extension| extension == "rs")
        {
            return Ok(self.path.clone());
        }
        let text = [
            alt_runtime::ASM_MACROS,
            include_str!("records.inc"),
            ".text\n",
            &self.text,
        ];
        fs::write(dir.join("fixture.s"), text.concat())?;
        Ok(workspace().join("linker/verify/tests/verify/support/shim.rs"))
    }

    /// The places of the findings, and words that their explanations must have.
    pub fn expected(&self, image: &Image) -> Result<Vec<(u64, &str)>, Failed> {
        self.all("finding")
            .map(|line| {
                let (place, words) = line.split_once(": ").unwrap_or((line, ""));
                Ok((address(image, place)?, words))
            })
            .collect()
    }

    /// The places of findings whose advice it states, and words of that.
    pub fn helps(&self, image: &Image) -> Result<Vec<(u64, &str)>, Failed> {
        self.all("help")
            .map(|line| {
                let (place, words) = line.split_once(": ").ok_or("`help: PLACE: WORDS`")?;
                Ok((address(image, place)?, words))
            })
            .collect()
    }

    /// The places of findings whose paths it states, and those.
    pub fn paths(&self, image: &Image) -> Result<Vec<(u64, Vec<&str>)>, Failed> {
        self.all("path")
            .map(|line| {
                let (place, path) = line.split_once(": ").ok_or("`path: PLACE: NAMES`")?;
                Ok((address(image, place)?, path.split(", ").collect()))
            })
            .collect()
    }

    /// The findings by all rules, and those by all rules but its own.
    pub fn findings(&self, image: &Image) -> Result<(Vec<Diagnostic>, Vec<Diagnostic>), Failed> {
        let caps = self.all("caps").next().unwrap_or_default();
        let mut names = CapNames::new(caps.split_whitespace().map(String::from));
        let records = Records::find(image, None)?;
        let section = image.section(Caps::SECTION);
        let caps = match section.map(|section| Caps::from_section(image.contents(section))) {
            Some(Ok(caps)) => caps.into_iter().next(),
            // What cannot be read is a finding, and no table.
            None | Some(Err(_)) => None,
        };
        if let Some(caps) = &caps {
            names = CapNames::from(caps);
        }
        let context = Context::new(image, &records, &names)?;
        let mut context = context.with_caps(caps.as_ref().map(Caps::table));
        if let Some(rules) = self.all("rules").next() {
            let text = fs::read_to_string(self.path.with_file_name(rules))?;
            context = context.with_config(Config::from_toml(rules, &text, image)?);
        }
        let others = alt_verify::rules().filter(|rule| rule.id != self.rule);
        Ok((
            alt_verify::verify(&context),
            alt_verify::by_rules(&context, others),
        ))
    }
}

/// The address of a place as fixtures write it: `symbol`, `symbol+0x4`, or `image`, which is 0.
fn address(image: &Image, place: &str) -> Result<u64, Failed> {
    if place == "image" {
        return Ok(0);
    }
    let (symbol, offset) = place.split_once('+').unwrap_or((place, "0x0"));
    let hex = offset.strip_prefix("0x").ok_or("offsets begin with 0x")?;
    let symbol = image.symbol(symbol);
    let symbol = symbol.ok_or_else(|| format!("the image has no symbol of {place}"))?;
    Ok(symbol + u64::from_str_radix(hex, 16)?)
}

/// Makes sections of these kinds sections like any other, as if there were none.
fn hide(kinds: &[u32], bytes: &mut [u8]) -> Result<(), Failed> {
    // ELF64: e_shoff at 0x28, e_shnum at 0x3c; headers of 64 bytes, sh_type at 4.
    let table = u64::from_le_bytes(bytes[0x28..0x30].try_into()?);
    let count = u16::from_le_bytes(bytes[0x3c..0x3e].try_into()?);
    for index in 0..usize::from(count) {
        let kind = usize::try_from(table)? + 64 * index + 4;
        let found = u32::from_le_bytes(bytes[kind..kind + 4].try_into()?);
        // SHF_ALLOC, in sh_flags after sh_type: the relocations for a loader are kept.
        if kinds.contains(&found) && bytes[kind + 4] & 2 == 0 {
            bytes[kind..kind + 4].copy_from_slice(&1u32.to_le_bytes());
        }
    }
    Ok(())
}
