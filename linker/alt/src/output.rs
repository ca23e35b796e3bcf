//! Output that is common to all commands.

use std::error::Error;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use alt_image::style;
use anstream::AutoStream;
use serde::Serialize;

use crate::input::named;
use crate::pager::Pager;

/// The result of a command: `Ok(false)` if it ran and reported findings.
pub type Outcome = Result<bool, Box<dyn Error>>;

/// Writes one JSON document.
pub fn json(out: &mut impl Write, document: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    writeln!(out)
}

/// Writes to standard output, and returns the result of the command. If the reader closes the pipe
/// early, like `head`, the result is the same.
pub fn show(clean: bool, text: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Outcome {
    let mut out = BufWriter::new(anstream::stdout().lock());
    shown(clean, text(&mut out).and_then(|()| out.flush()))
}

/// As [`show`], by the user's pager if the text is longer than the terminal.
pub fn page(clean: bool, text: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Outcome {
    let Some(mut pager) = Pager::new() else {
        return show(clean, text);
    };
    let colours = AutoStream::choice(&io::stdout());
    let out: &mut dyn Write = &mut pager;
    let mut out = BufWriter::new(AutoStream::new(out, colours));
    let written = text(&mut out).and_then(|()| out.flush());
    drop(out);
    shown(clean, written.and(pager.finish()))
}

fn shown(clean: bool, written: io::Result<()>) -> Outcome {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("standard output: {error}").into())
        }
        _ => Ok(clean),
    }
}

/// The number of findings as text: `1 finding`.
pub fn verdict(findings: usize) -> String {
    match findings {
        0 => style::good("clean"),
        found => style::bad(count(found, "finding")),
    }
}

/// A number of things: `1 site`, `2 sites`.
pub fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Writes a file as a whole or not at all: to a temporary file in the same folder, which is then
/// renamed. It keeps the permissions of the file that it replaces, or those of `like`.
pub fn file(path: &Path, data: &[u8], like: Option<&Path>) -> Result<(), Box<dyn Error>> {
    write(path, data, like).map_err(|error| named(path, error))
}

fn write(path: &Path, data: &[u8], like: Option<&Path>) -> io::Result<()> {
    // Write the target of a symbolic link, not the link.
    let path = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) if error.kind() == ErrorKind::NotFound => PathBuf::from(path),
        Err(error) => return Err(error),
    };
    let there = match fs::metadata(&path) {
        Ok(there) => Some(there),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if let Some(there) = &there {
        if there.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        // A device or a pipe cannot be replaced.
        if !there.is_file() {
            return fs::write(&path, data);
        }
        if there.permissions().readonly() {
            return Err(ErrorKind::PermissionDenied.into());
        }
    }
    let permissions = match (like, &there) {
        (Some(like), _) => Some(fs::metadata(like)?.permissions()),
        (None, there) => there.as_ref().map(fs::Metadata::permissions),
    };
    beside(&path, data, permissions)
}

fn beside(path: &Path, data: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // An error about the folder must not name the temporary file.
    fs::metadata(folder)?;
    let mut prefix = OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix);
    #[cfg(unix)]
    {
        // The mode of any new file, before the umask of the user.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(data)?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
