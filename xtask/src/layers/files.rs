//! The place of files: modules are found by their names, and tests have one shape.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

/// The problems of the files below `folder`:
///
/// - an attribute that gives a module's path. Code that two packages, or two tests, need is in a
///   package;
/// - `tests/x.rs` beside `tests/x/`. A test of several files is `tests/x/main.rs` with its modules
///   and fixtures beside it.
///
/// Folders whose names begin with a dot, and those that cargo writes (`target`), are left out.
pub(super) fn problems(folder: &Path) -> io::Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<PathBuf> = fs::read_dir(&folder)?
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<_>>()?;
        entries.sort();
        for path in entries {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension() == Some(OsStr::new("rs")) {
                wrong.extend(path_attributes(&path)?);
                wrong.extend(beside_its_folder(&path));
            }
        }
    }
    Ok(wrong)
}

fn path_attributes(file: &Path) -> io::Result<Vec<String>> {
    let text = fs::read_to_string(file)?;
    let is_one = |line: &str| {
        let line = line.trim_start();
        line.starts_with("#[") && line.contains("path = \"")
    };
    let lines = text.lines().zip(1..).filter(|(line, _)| is_one(line));
    let problem = |(_, line): (&str, usize)| {
        let file = file.display();
        format!("{file}:{line}: a module is found by its name, not by `#[path]`")
    };
    Ok(lines.map(problem).collect())
}

fn beside_its_folder(file: &Path) -> Option<String> {
    let is_test = file.parent()?.file_name() == Some(OsStr::new("tests"));
    let folder = file.with_extension("");
    (is_test && folder.is_dir()).then(|| {
        let (file, folder) = (file.display(), folder.display());
        format!("{file}: a test with a folder is {folder}/main.rs")
    })
}
