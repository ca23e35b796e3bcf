//! Makes sites of the calls of outline atomics in the inputs of the link (docs/atomics.md).

use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::{fs, io};

use alt_linker::atomics::Prepared;

use crate::arguments::Arguments;
use crate::response::quoted;

/// The folder with the rewritten inputs, which is removed at the end. Its name is that of the image,
/// so that two builds of equal sources name equal files in the linker's map.
pub struct Rewritten(PathBuf);

impl Drop for Rewritten {
    fn drop(&mut self) {
        // The link has ended; the folder is not used any more.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The arguments of the linker, in the folder.
const ARGUMENTS: &str = "arguments";

/// A file in the folder that alt-ld has not left there, when a link was interrupted: all of its own
/// begin with a number, or hold the arguments.
fn foreign(folder: &Path) -> Option<PathBuf> {
    let mut files = fs::read_dir(folder).ok()?.flatten();
    let is_own = |name: &str| {
        let number = name.split_once('-').map(|(number, _)| number);
        name == ARGUMENTS || number.is_some_and(|number| number.parse::<usize>().is_ok())
    };
    let file = files.find(|file| !is_own(&file.file_name().to_string_lossy()))?;
    Some(file.path())
}

/// Rewrites the inputs of the link; `None` if none has such a call.
pub fn rewrite(link: &mut Arguments) -> Result<Option<Rewritten>, Box<dyn Error>> {
    let mut folder = OsString::from(&link.output);
    folder.push(".atomics");
    let folder = PathBuf::from(folder);
    if let Some(file) = foreign(&folder) {
        let file = file.display();
        return Err(format!("{file}: move it: alt-ld removes this folder after the link").into());
    }
    let folder = Rewritten(folder);
    let Prepared { replaced, report } = alt_linker::atomics::prepare(&link.inputs, &folder.0)?;
    for line in report.lines() {
        eprintln!("alt-ld: atomics: {line}");
    }
    for (old, new) in &replaced {
        if !link.replace(old, new) {
            eprintln!(
                "alt-ld: atomics: left alone: all calls in {}, which is given by -l: give its path",
                old.display()
            );
        }
    }
    Ok((!replaced.is_empty()).then_some(folder))
}

impl Rewritten {
    /// Runs the linker on the rewritten inputs.
    pub fn link(
        &self,
        link: &Arguments,
        mut linker: Command,
    ) -> Result<ExitStatus, Box<dyn Error>> {
        let mut arguments = &link.all[..];
        // lld accepts the flavor on the command line only.
        if let [flavor, name, rest @ ..] = arguments
            && flavor == "-flavor"
        {
            linker.args([flavor, name]);
            arguments = rest;
        }
        linker.arg(self.response_file(arguments)?);
        let status = linker.status();
        Ok(status.map_err(|why| crate::cannot_run(&linker, &why))?)
    }

    /// The argument that names a file with these arguments: they may be too many for a command line.
    fn response_file(&self, arguments: &[OsString]) -> io::Result<OsString> {
        let path: &Path = &self.0.join(ARGUMENTS);
        fs::write(path, quoted(arguments)?)?;
        let mut argument = OsStr::new("@").to_owned();
        argument.push(path);
        Ok(argument)
    }
}
