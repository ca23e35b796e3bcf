//! The partial link, from files to a file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use alt_object::inputs;

use super::PartialLink;
use super::error::PartialLinkError;
use super::lld::{self, Job, Outcome};
use crate::namespace::Name;

/// The partial link of code for another exception level.
///
/// Everything that it needs goes in; what comes out is one object for the link of the kernel,
/// with the sections `.NAME.text` and so on, and with no symbol that could be taken for the
/// kernel's.
#[derive(Clone, Debug)]
pub struct Link {
    manifest: PathBuf,
    name: String,
    inputs: Vec<PathBuf>,
    linker: Option<PathBuf>,
    output: Option<PathBuf>,
    scratch: Option<PathBuf>,
}

impl Link {
    /// A link as this manifest says, of a namespace that is called `hyp`.
    pub fn new(manifest: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            name: "hyp".into(),
            inputs: Vec::new(),
            linker: None,
            output: None,
            scratch: None,
        }
    }

    /// The name of the namespace: words of a-z and 0-9, with dots between.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// One more object file, archive, rlib, or file of LLVM bitcode.
    #[must_use]
    pub fn input(mut self, input: impl Into<PathBuf>) -> Self {
        self.inputs.push(input.into());
        self
    }

    /// Another lld than the toolchain's, of version 19 or later.
    #[must_use]
    pub fn linker(mut self, linker: impl Into<PathBuf>) -> Self {
        self.linker = Some(linker.into());
        self
    }

    /// The file to write; without it, `NAME.o` in `OUT_DIR`.
    #[must_use]
    pub fn output(mut self, output: impl Into<PathBuf>) -> Self {
        self.output = Some(output.into());
        self
    }

    /// The folder for what is needed on the way, the linker script for one; without it,
    /// `OUT_DIR`, or the folder of the output.
    #[must_use]
    pub fn scratch(mut self, folder: impl Into<PathBuf>) -> Self {
        self.scratch = Some(folder.into());
        self
    }

    /// Links, checks, and writes the object; its path.
    ///
    /// Without [`output`](Self::output), cargo is told to run the build script again when the
    /// manifest or an input changes. A warning says which constants will be writable: to cargo,
    /// or on standard error.
    ///
    /// # Errors
    /// Something cannot be read, is refused by the linker, or breaks a rule of `docs/hypervisor.md`.
    /// Then nothing is written, and an object that is there already stays as it was.
    pub fn link(&self) -> Result<PathBuf, PartialLinkError> {
        let name = Name::new(&self.name)?;
        let out_dir = env::var_os("OUT_DIR").map(PathBuf::from);
        let output = match (&self.output, &out_dir) {
            (Some(output), _) => output.clone(),
            (None, Some(dir)) => dir.join(format!("{name}.o")),
            (None, None) => return Err(PartialLinkError::NoOutDir),
        };
        if self.output.is_none() {
            for path in self.inputs.iter().chain([&self.manifest]) {
                println!("cargo::rerun-if-changed={}", path.display());
            }
        }
        let beside = || output.parent().map(Path::to_owned).unwrap_or_default();
        let scratch = self.scratch.clone().or(out_dir).unwrap_or_else(beside);
        let file = |ending: &str| scratch.join(format!("{name}.{ending}"));

        let text = fs::read_to_string(&self.manifest).map_err(at(&self.manifest))?;
        let called = self.manifest.display().to_string();
        let inputs = inputs::read(&self.inputs)?;
        let link = PartialLink::new(&name, (&called, &text), &inputs)?;

        let (script, map, partial) = (file("ld"), file("map"), file("partial.o"));
        fs::write(&script, link.script()).map_err(at(&script))?;
        let linker = match &self.linker {
            Some(linker) => linker.clone(),
            None => lld::find()?,
        };
        let job = Job {
            script: &script,
            map: &map,
            output: &partial,
            roots: link.roots(),
            inputs: &self.inputs,
        };
        if let Outcome::Refused(words) = lld::run(&linker, &job)? {
            return Err(PartialLinkError::linker(words));
        }
        let linked = fs::read(&partial).map_err(at(&partial))?;
        let map = fs::read_to_string(&map).map_err(at(&map))?;
        let bytes = link.finish(&linked, &map)?;
        whole(&output, &bytes)?;
        for line in PartialLink::writable_constants(&map) {
            match self.output {
                None => println!("cargo::warning={line}"),
                Some(_) => eprintln!("warning: {line}"),
            }
        }
        Ok(output)
    }
}

/// An error with the file that it is about.
fn at(path: &Path) -> impl FnOnce(io::Error) -> PartialLinkError {
    let path = path.to_owned();
    |error| PartialLinkError::File { path, error }
}

/// Writes a file under its own name only when it is whole.
fn whole(path: &Path, bytes: &[u8]) -> Result<(), PartialLinkError> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".part");
    let part = path.with_file_name(name);
    let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, path));
    written.map_err(|error| {
        // It may never have been there; what is wrong is told by the first error.
        let _ = fs::remove_file(&part);
        at(path)(error)
    })
}
