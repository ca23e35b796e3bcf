//! Reads a kept build.

use std::fs;
use std::path::{Path, PathBuf};

use alt_image::image::Image;
use alt_linker::map::{self, Placed};

use super::{ArchiveError, BuildId, FORMAT, Info, digest, folder_of};

/// A kept build.
#[derive(Debug)]
pub struct Build {
    /// The folder.
    pub folder: PathBuf,
    /// `build.toml`.
    pub info: Info,
    /// The image.
    pub image: Image,
    /// Its build id.
    pub build_id: BuildId,
    /// The objects, in the order of the link.
    pub inputs: Vec<Input>,
    /// The input sections in the image. Their files are names of `inputs`, or `<internal>`.
    pub map: Vec<Placed>,
}

/// An object that took part in the link.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name in the map.
    pub name: String,
    /// Its name in the folder `inputs`.
    pub file: String,
    /// The compilers that made it.
    pub producer: Vec<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Build {
    /// Opens the build of an image, or a folder. Each file must be as it was kept.
    ///
    /// # Errors
    /// The folder is missing or incomplete, a file has changed, or the image is another one.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        if path.is_dir() {
            return Self::read(path);
        }
        let folder = folder_of(path);
        if !folder.is_dir() {
            // A missing image is the simpler message.
            read(path)?;
            return Err(ArchiveError::NotKept(folder));
        }
        let build = Self::read(&folder)?;
        let id = id(path, &parse(path, read(path)?)?)?;
        // An image that was stripped since has the same id.
        if id.id != build.build_id.id {
            return Err(ArchiveError::OtherImage {
                image: path.to_owned(),
                folder,
                found: id.to_string(),
                kept: build.build_id.to_string(),
            });
        }
        Ok(build)
    }

    fn read(folder: &Path) -> Result<Self, ArchiveError> {
        let path = folder.join("build.toml");
        let info = info(&path)?;
        let image_path = folder.join("image");
        let image = parse(&image_path, unchanged(&image_path, &info.image)?)?;
        let build_id = id(&image_path, &image)?;
        let map = unchanged(&folder.join("link.map"), &info.map)?;
        let objects = folder.join("inputs");
        let inputs = info.inputs.iter().map(|input| {
            let name = Path::new(&input.file);
            if name.file_name() != Some(name.as_os_str()) {
                return Err(ArchiveError::Name {
                    path: path.clone(),
                    name: input.file.clone(),
                });
            }
            Ok(Input {
                name: input.name.clone(),
                file: input.file.clone(),
                producer: input.producer.clone(),
                bytes: unchanged(&objects.join(name), &input.digest)?,
            })
        });
        Ok(Self {
            inputs: inputs.collect::<Result<_, _>>()?,
            map: map::parse(&String::from_utf8_lossy(&map)),
            folder: folder.to_owned(),
            info,
            image,
            build_id,
        })
    }
}

fn info(path: &Path) -> Result<Info, ArchiveError> {
    /// The part that every version has.
    #[derive(serde::Deserialize)]
    struct Version {
        format: u32,
    }
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    let wrong = |error| ArchiveError::Info {
        path: path.to_owned(),
        error: Box::new(error),
    };
    let Version { format: found } = toml::from_str(&text).map_err(wrong)?;
    if found != FORMAT {
        let path = path.to_owned();
        return Err(ArchiveError::Format { path, found });
    }
    toml::from_str(&text).map_err(wrong)
}

fn read(path: &Path) -> Result<Vec<u8>, ArchiveError> {
    fs::read(path).map_err(|error| ArchiveError::File {
        path: path.to_owned(),
        error,
    })
}

fn unchanged(path: &Path, kept: &str) -> Result<Vec<u8>, ArchiveError> {
    let bytes = read(path)?;
    match digest(&bytes) == kept {
        true => Ok(bytes),
        false => Err(ArchiveError::Changed(path.to_owned())),
    }
}

fn parse(path: &Path, bytes: Vec<u8>) -> Result<Image, ArchiveError> {
    Image::parse(bytes).map_err(|error| ArchiveError::Image {
        path: path.to_owned(),
        error,
    })
}

fn id(path: &Path, image: &Image) -> Result<BuildId, ArchiveError> {
    BuildId::of(image).ok_or_else(|| ArchiveError::NoBuildId(path.to_owned()))
}
