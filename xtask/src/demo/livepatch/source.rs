//! A copy of the sources, without and with a patch. Both builds are made in it, so that no path
//! differs between them, and no build of the workspace is disturbed.

use std::{
    collections::BTreeSet,
    error::Error,
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    process::{Command, Output},
};
use test_support::workspace;

/// A directory with the sources of the workspace.
pub(super) struct Source {
    folder: PathBuf,
}

impl Source {
    /// Makes the copy equal to the workspace: all files that git knows or does not ignore. A file that
    /// is equal keeps its time, so cargo builds only the changed files.
    pub(super) fn copy(folder: PathBuf) -> Result<Self, Box<dyn Error>> {
        let files = files()?;
        for file in &files {
            update(&workspace().join(file), &folder.join(file))
                .map_err(|why| format!("copying {}: {why}", file.display()))?;
        }
        let mut old = Vec::new();
        list(&folder, &mut old)?;
        for path in old {
            let is_listed = path
                .strip_prefix(&folder)
                .is_ok_and(|file| files.contains(file));
            if !is_listed {
                fs::remove_file(path)?;
            }
        }
        Ok(Self { folder })
    }

    /// The directory.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the sources have the change of a patch already.
    pub(super) fn contains(&self, patch: &Path) -> io::Result<bool> {
        Ok(self
            .git(&["apply", "--reverse", "--check"], patch)?
            .status
            .success())
    }

    /// Changes the sources.
    pub(super) fn apply(&self, patch: &Path) -> Result<(), Box<dyn Error>> {
        self.change(&["apply"], patch)
    }

    /// Changes the sources back.
    pub(super) fn revert(&self, patch: &Path) -> Result<(), Box<dyn Error>> {
        self.change(&["apply", "--reverse"], patch)
    }

    fn change(&self, arguments: &[&str], patch: &Path) -> Result<(), Box<dyn Error>> {
        let output = self.git(arguments, patch)?;
        if output.status.success() {
            return Ok(());
        }
        let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let what = patch.display();
        Err(format!("{what} does not apply to the sources of this workspace\n{why}").into())
    }

    /// Runs git on a patch as if the copy were in no repository: else, paths would count from the
    /// root of the one that it is in.
    fn git(&self, arguments: &[&str], patch: &Path) -> io::Result<Output> {
        Command::new("git")
            .args(arguments)
            .arg(patch)
            .current_dir(&self.folder)
            .env("GIT_CEILING_DIRECTORIES", workspace())
            .env_remove("GIT_DIR")
            .output()
    }
}

/// The files of the workspace, relative to its root.
fn files() -> Result<BTreeSet<PathBuf>, Box<dyn Error>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(workspace())
        .output()
        .map_err(|why| format!("git, which lists the sources, cannot be run: {why}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("git cannot list the sources\n{why}").into());
    }
    let names = String::from_utf8(output.stdout)?;
    let files = names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from);
    // A file that has been deleted, but not in the index, is listed.
    Ok(files
        .filter(|file| workspace().join(file).is_file())
        .collect())
}

/// Copies a file, unless the copy has its content.
fn update(from: &Path, to: &Path) -> io::Result<()> {
    let content = fs::read(from)?;
    match fs::read(to) {
        Ok(old) if old == content => return Ok(()),
        Ok(_) => {}
        Err(why) if why.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(to.parent().unwrap_or(to))?;
        }
        Err(why) => return Err(why),
    }
    // Not `fs::copy`, which keeps a mode; the time is that of the write.
    fs::write(to, content)
}

/// Adds the files in a directory and those below it.
fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => list(&entry.path(), files)?,
            false => files.push(entry.path()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "--- a/dir/file\n+++ b/dir/file\n@@ -1 +1 @@\n-old\n+new\n";

    fn source(content: &str) -> (tempfile::TempDir, Source, PathBuf) {
        let folder = tempfile::TempDir::new().unwrap();
        let source = Source {
            folder: folder.path().join("source"),
        };
        fs::create_dir_all(source.folder.join("dir")).unwrap();
        fs::write(source.folder.join("dir/file"), content).unwrap();
        let patch = folder.path().join("patch");
        fs::write(&patch, PATCH).unwrap();
        (folder, source, patch)
    }

    fn content(source: &Source) -> String {
        fs::read_to_string(source.folder.join("dir/file")).unwrap()
    }

    #[test]
    fn a_patch_is_applied_and_reverted() {
        let (_folder, source, patch) = source("old\n");
        assert!(!source.contains(&patch).unwrap());
        source.apply(&patch).unwrap();
        assert_eq!(content(&source), "new\n");
        assert!(source.contains(&patch).unwrap());
        source.revert(&patch).unwrap();
        assert_eq!(content(&source), "old\n");
    }

    #[test]
    fn a_patch_that_does_not_fit_is_named_and_changes_nothing() {
        let (_folder, source, patch) = source("other\n");
        let why = source.apply(&patch).unwrap_err().to_string();
        assert!(why.contains("patch does not apply to the sources"), "{why}");
        assert!(why.contains("dir/file"), "{why}");
        assert_eq!(content(&source), "other\n");
        let why = source.apply(Path::new("/no/such/patch")).unwrap_err();
        assert!(why.to_string().contains("/no/such/patch"), "{why}");
    }

    #[test]
    fn equal_files_keep_their_time() {
        let folder = tempfile::TempDir::new().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("new/to"));
        fs::write(&from, "1").unwrap();
        update(&from, &to).unwrap();
        let time = fs::metadata(&to).unwrap().modified().unwrap();
        update(&from, &to).unwrap();
        assert_eq!(fs::metadata(&to).unwrap().modified().unwrap(), time);
        fs::write(&from, "2").unwrap();
        update(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "2");
    }
}
