//! The partial link of files.

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
/// The inputs must be complete. The output is one object for the link of the kernel, with the
/// sections `.NAME.text` and so on, in which no symbol can clash with one of the kernel.
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
    /// A link with this manifest, of a namespace named `hyp`.
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

    /// Sets the name of the namespace: words of a-z and 0-9, separated by dots.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Adds an object file, archive, rlib, or file of LLVM bitcode.
    #[must_use]
    pub fn input(mut self, input: impl Into<PathBuf>) -> Self {
        self.inputs.push(input.into());
        self
    }

    /// Uses another lld than that of the toolchain; version 19 or later.
    #[must_use]
    pub fn linker(mut self, linker: impl Into<PathBuf>) -> Self {
        self.linker = Some(linker.into());
        self
    }

    /// Sets the file to write; by default `NAME.o` in `OUT_DIR`.
    #[must_use]
    pub fn output(mut self, output: impl Into<PathBuf>) -> Self {
        self.output = Some(output.into());
        self
    }

    /// Sets the folder for intermediate files, such as the linker script; by default `OUT_DIR`, or
    /// the folder of the output.
    #[must_use]
    pub fn scratch(mut self, folder: impl Into<PathBuf>) -> Self {
        self.scratch = Some(folder.into());
        self
    }

    /// Links, checks, and writes the object. Returns its path.
    ///
    /// Without [`output`](Self::output), cargo runs the build script again when the manifest or an
    /// input changes. Constants that will be writable, and sections that are left out, are
    /// reported as warnings, through cargo or on standard error.
    ///
    /// # Errors
    /// A file cannot be read, the linker fails, or the code breaks a rule of `docs/hypervisor.md`.
    /// Then no object is written, and an existing object is left unchanged.
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
        let constants = PartialLink::writable_constants(&map);
        for line in link.left_out().iter().chain(&constants) {
            match self.output {
                None => println!("cargo::warning={line}"),
                Some(_) => eprintln!("warning: {line}"),
            }
        }
        Ok(output)
    }
}

/// Adds the path of the file to an error.
fn at(path: &Path) -> impl FnOnce(io::Error) -> PartialLinkError {
    let path = path.to_owned();
    |error| PartialLinkError::File { path, error }
}

/// Writes a file as a whole: to a temporary name first, which is then renamed.
fn whole(path: &Path, bytes: &[u8]) -> Result<(), PartialLinkError> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".part");
    let part = path.with_file_name(name);
    let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, path));
    written.map_err(|error| {
        // It may not exist; the first error is the one to report.
        let _ = fs::remove_file(&part);
        at(path)(error)
    })
}
