//! Makes sites of the calls of outline atomics in the inputs of the link (docs/atomics.md).

use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::{fs, io};

use alt_linker::atomics::Prepared;

use crate::arguments::{Arguments, quoted};

/// The folder with the rewritten inputs, which is removed at the end. Its name is that of the image,
/// so that two builds of equal sources name equal files in the linker's map.
pub struct Rewritten(PathBuf);

impl Drop for Rewritten {
    fn drop(&mut self) {
        // It serves nobody any more, and the link has ended.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Rewrites the inputs of the link; `None` if none has such a call.
pub fn rewrite(link: &mut Arguments) -> Result<Option<Rewritten>, Box<dyn Error>> {
    let mut folder = OsString::from(&link.output);
    folder.push(".atomics");
    let folder = Rewritten(folder.into());
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
        let path: &Path = &self.0.join("arguments");
        fs::write(path, quoted(arguments)?)?;
        let mut argument = OsStr::new("@").to_owned();
        argument.push(path);
        Ok(argument)
    }
}
