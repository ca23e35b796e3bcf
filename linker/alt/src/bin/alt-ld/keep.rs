//! Links with a map, and keeps the inputs that livepatch requires (`--alt-keep`).

use std::collections::HashSet;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus};

use alt_livepatch::archive::{self, KeepError};
use tempfile::TempDir;

use crate::arguments::Arguments;
use crate::response::quoted;

/// A link whose map and list of objects are known.
pub struct Linked {
    pub status: ExitStatus,
    map: String,
    inputs: Vec<String>,
}

/// Runs the linker.
pub fn link(link: &Arguments, mut linker: Command) -> Result<Linked, Box<dyn Error>> {
    let dir = TempDir::new()?;
    let own_map = dir.path().join("map");
    let map = link.map.as_deref().unwrap_or(&own_map);
    let mut arguments = &link.all[..];
    // lld accepts the flavor on the command line only.
    if let [flavor, name, rest @ ..] = arguments
        && flavor == "-flavor"
    {
        linker.args([flavor, name]);
        arguments = rest;
    }
    // The arguments may have come from response files, since they were too many for a command line.
    let file = dir.path().join("arguments");
    fs::write(&file, quoted(arguments)?)?;
    let mut response = OsString::from("@");
    response.push(&file);
    linker.args(["--rsp-quoting=posix", "--trace", "-Map"]);
    linker.arg(map).arg(response);
    let run = linker.stderr(std::process::Stdio::inherit()).output();
    let output = run.map_err(|why| crate::cannot_run(&linker, &why))?;
    let map = match output.status.success() {
        true => fs::read_to_string(map).unwrap_or_default(),
        false => String::new(),
    };
    let known: HashSet<_> = map.lines().filter_map(file_of).collect();
    let traced = link
        .all
        .iter()
        .any(|a| a == "-t" || a == "--trace" || a == "-trace");
    let mut inputs = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let object = line.strip_suffix(')').map_or(line, |name| {
            name.rsplit_once('(').map_or(name, |(archive, _)| archive)
        });
        let is_input = known.contains(line) || Path::new(object).is_file();
        if is_input {
            inputs.push(line.to_owned());
        }
        if traced || !is_input {
            println!("{line}");
        }
    }
    Ok(Linked {
        status: output.status,
        map,
        inputs,
    })
}

/// The file that a line of the map names.
fn file_of(line: &str) -> Option<&str> {
    Some(
        line.rsplit_once(":(")?
            .0
            .trim_start_matches(|c: char| c.is_ascii_hexdigit() || c == ' '),
    )
}

/// Keeps the build. If it lacks flags, reports them and removes the image, so that no kernel is used
/// that cannot be patched although this was requested.
pub fn keep(link: &Arguments, linked: &Linked) -> Result<bool, Box<dyn Error>> {
    let text = |argument: &OsString| argument.to_string_lossy().into_owned();
    let arguments: Vec<_> = link.all.iter().map(text).collect();
    let kept = archive::keep(&archive::Link {
        image: &link.output,
        inputs: &linked.inputs,
        map: &linked.map,
        arguments: &arguments,
        options: &link.options,
    });
    let name = link.output.display();
    let error = match kept {
        Ok(_) => return Ok(true),
        Err(error) => error,
    };
    fs::remove_file(&link.output).map_err(|why| format!("{name}: {why}"))?;
    match error {
        KeepError::Flags(missing) => {
            for missing in &missing {
                eprintln!("error[livepatch]: {missing}");
            }
            eprintln!(
                "alt-ld: {name}: removed, since it cannot be livepatched; \
                 `alt livepatch flags` prints all flags"
            );
            Ok(false)
        }
        error => Err(error.into()),
    }
}
