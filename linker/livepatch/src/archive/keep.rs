//! Keeps a build.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use alt_image::image::Image;
use alt_linker::map;
use alt_object::inputs::{self, Input, InputKind};
use alt_object::object::Object;

use super::info::{Info, InputInfo};
use super::proof::{self, Taken};
use super::{BuildId, FORMAT, KeepError, digest, folder_of};

/// A link that has been done.
#[derive(Debug)]
pub struct Link<'a> {
    /// The image.
    pub image: &'a Path,
    /// The names of the objects that took part as the linker states them (`--trace`), in the order
    /// of the link: `kernel.o`, `libcore.rlib(core.o)`.
    pub inputs: &'a [String],
    /// The text of the linker's map.
    pub map: &'a str,
    /// The arguments of the linker.
    pub arguments: &'a [String],
    /// The arguments that do not name files.
    pub options: &'a [String],
}

/// Keeps the build of an image in the folder beside it, and returns the folder's path. An earlier
/// folder is replaced; if there is an error, it is as it was.
///
/// # Errors
/// The build lacks a flag, or a file cannot be read or written.
pub fn keep(link: &Link<'_>) -> Result<PathBuf, KeepError> {
    let data = read(link.image)?;
    let image = Image::parse(data).map_err(|error| KeepError::Image {
        path: link.image.to_owned(),
        error,
    })?;
    let placed = map::parse(link.map);
    if placed.is_empty() {
        return Err(KeepError::Map);
    }
    let taken = taken(link.inputs)?;
    let missing = proof::missing(&image, link.options, &taken)?;
    if !missing.is_empty() {
        return Err(KeepError::Flags(missing));
    }
    // `missing` has refused an image without build id.
    let build_id = BuildId::of(&image).map_or_else(String::new, |id| id.to_string());
    let cpucaps = image.section(".alt_cpucaps");
    let digits = taken.len().to_string().len().max(4);
    let mut info = Info {
        format: FORMAT,
        build_id,
        toolchain: unique(taken.iter().flat_map(|input| &input.producer)),
        cpucaps: cpucaps.map(|section| digest(image.contents(section))),
        flags: super::flags::Flag::ALL.map(|flag| flag.to_string()).into(),
        options: link.options.to_vec(),
        arguments: link.arguments.to_vec(),
        image: digest(image.data()),
        map: digest(link.map.as_bytes()),
        inputs: Vec::new(),
    };
    for (number, input) in taken.iter().enumerate() {
        info.inputs.push(InputInfo {
            file: format!("{number:0digits$}-{}", file_name(&input.name)),
            name: input.name.clone(),
            digest: digest(&input.bytes),
            producer: input.producer.clone(),
        });
    }
    write(link, &image, &info, &taken)
}

/// Writes a folder of another name, and renames it.
fn write(
    link: &Link<'_>,
    image: &Image,
    info: &Info,
    taken: &[Taken],
) -> Result<PathBuf, KeepError> {
    let folder = folder_of(link.image);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| KeepError::File { path, error }
    };
    let parent = match folder.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    let temporary = builder.prefix(".livepatch").tempdir_in(parent);
    let temporary = temporary.map_err(failed(parent))?;
    let new = temporary.path().join("new");
    let put = |name: &str, bytes: &[u8]| {
        let path = new.join(name);
        fs::write(&path, bytes).map_err(failed(&path))
    };
    fs::create_dir_all(new.join("inputs")).map_err(failed(&new))?;
    put("image", image.data())?;
    put("link.map", link.map.as_bytes())?;
    let text = toml::to_string(info).map_err(std::io::Error::other);
    put("build.toml", text.map_err(failed(&new))?.as_bytes())?;
    for (input, info) in taken.iter().zip(&info.inputs) {
        put(&format!("inputs/{}", info.file), &input.bytes)?;
    }
    // A folder that is not empty cannot be replaced by one call.
    let old = temporary.path().join("old");
    let replaced = folder.exists();
    if replaced {
        fs::rename(&folder, &old).map_err(failed(&folder))?;
    }
    if let Err(error) = fs::rename(&new, &folder) {
        if replaced {
            fs::rename(&old, &folder).map_err(failed(&folder))?;
        }
        return Err(failed(&folder)(error));
    }
    Ok(folder)
}

/// Reads the objects, and the members of archives.
fn taken(names: &[String]) -> Result<Vec<Taken>, KeepError> {
    let mut archives: HashMap<String, Vec<Input>> = HashMap::new();
    let mut seen = BTreeSet::new();
    let mut taken = Vec::new();
    for name in names.iter().filter(|name| seen.insert(name.as_str())) {
        let archive = name
            .split_once(".rlib(")
            .map(|(path, _)| format!("{path}.rlib"));
        let archive =
            archive.or_else(|| Some(name.strip_suffix(')')?.rsplit_once('(')?.0.to_owned()));
        let file = match archive {
            Some(archive) if !Path::new(name).is_file() => archive,
            _ => name.clone(),
        };
        let members = match archives.get(&file) {
            Some(members) => members,
            None => {
                let bytes = read(Path::new(&file))?;
                let members = inputs::parse(file.clone(), bytes)?;
                archives.entry(file).or_insert(members)
            }
        };
        let mut same = members.iter().filter(|member| member.name == *name);
        let member = same.next().ok_or_else(|| KeepError::Object {
            name: name.clone(),
            why: "the archive has no such member".into(),
        })?;
        if same.next().is_some() {
            return Err(KeepError::Ambiguous(name.clone()));
        }
        if member.kind == InputKind::Bitcode {
            return Err(KeepError::Bitcode(name.clone()));
        }
        taken.push(Taken {
            name: name.clone(),
            producer: producer(name, &member.bytes)?,
            bytes: member.bytes.clone(),
        });
    }
    Ok(taken)
}

/// The texts of `.comment`.
fn producer(name: &str, bytes: &[u8]) -> Result<Vec<String>, KeepError> {
    let damaged = |why: alt_object::object::ObjectError| KeepError::Object {
        name: name.to_owned(),
        why: why.to_string(),
    };
    let object = Object::parse(bytes).map_err(damaged)?;
    let Some(index) = object.sections.iter().position(|s| s.name == b".comment") else {
        return Ok(Vec::new());
    };
    let texts = object
        .contents(index)
        .map_err(damaged)?
        .split(|byte| *byte == 0);
    let texts = texts.filter(|text| !text.is_empty());
    let texts: Vec<_> = texts
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .collect();
    Ok(unique(&texts))
}

fn unique<'a>(texts: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let texts: BTreeSet<_> = texts.into_iter().collect();
    texts.into_iter().cloned().collect()
}

/// The name of an object without folders and without its archive, of characters that every file
/// system permits.
fn file_name(name: &str) -> String {
    let member = name
        .strip_suffix(')')
        .and_then(|name| name.rsplit_once('('));
    let name = member.map_or(name, |(_, member)| member);
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    // File systems limit names to 255 bytes.
    name.chars()
        .map(|c| if plain(c) { c } else { '_' })
        .take(200)
        .collect()
}

fn read(path: &Path) -> Result<Vec<u8>, KeepError> {
    fs::read(path).map_err(|error| KeepError::File {
        path: path.to_owned(),
        error,
    })
}
