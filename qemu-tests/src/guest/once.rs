//! Builds each guest once in a test run, even if each test is a process of its own.
//!
//! Cargo takes half a second to find that a guest is up to date, and serves one process at a time:
//! with hundreds of tests, that is minutes. The sources do not change during a run.
//!
//! Builds with other settings or features use the same folder of cargo, so that they share what they
//! have in common. A lock is held from the build until its file has been copied.

use super::target_dir;
use crate::{Error, Profile, Result};
use std::{
    collections::HashMap,
    env,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};
use tempfile::NamedTempFile;

/// nextest's identifier of a run, which is the same in all its processes.
const RUN: &str = "NEXTEST_RUN_ID";

/// The file that `build` makes of a package. Threads that want the same file wait for each other here,
/// processes at the lock of cargo's profile, and use the file that the first of them has built.
pub(crate) fn once(
    package: &str,
    profile: Profile,
    build: impl FnOnce() -> Result<PathBuf>,
) -> Result<PathBuf> {
    type Built = HashMap<(String, Profile), Arc<Mutex<Option<PathBuf>>>>;
    static BUILT: LazyLock<Mutex<Built>> = LazyLock::new(Mutex::default);

    let mut all = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (package.to_owned(), profile);
    let file = Arc::clone(all.entry(key).or_default());
    drop(all);
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = &*file {
        return Ok(path.clone());
    }
    let note = target_dir().join(format!("built-{package}-{profile}"));
    let run = env::var(RUN).ok();
    let recalled = || run.as_deref().and_then(|run| recall(&note, run));
    if let Some(path) = recalled() {
        return Ok(file.insert(path).clone());
    }
    let _lock = lock(profile).map_err(Error::io("locking the guests' folder"))?;
    let path = match recalled() {
        Some(path) => path,
        None => {
            let path = build()?;
            if let Some(run) = &run {
                // Without the note, the next process runs cargo again.
                let _ = remember(&note, run, &path);
            }
            path
        }
    };
    Ok(file.insert(path).clone())
}

/// Waits until no other process or thread builds in the folder of this profile of cargo. The lock ends
/// with the value.
fn lock(profile: Profile) -> io::Result<File> {
    fs::create_dir_all(target_dir())?;
    let path = target_dir().join(format!("lock-{}", profile.of_cargo()));
    let file = File::create(path)?;
    file.lock()?;
    Ok(file)
}

/// The path that a process of this run has written.
fn recall(note: &Path, run: &str) -> Option<PathBuf> {
    let text = fs::read_to_string(note).ok()?;
    let (noted, path) = text.split_once('\n')?;
    let path = PathBuf::from(path);
    (noted == run && path.exists()).then_some(path)
}

/// By a rename, because another process may be reading.
fn remember(note: &Path, run: &str, path: &Path) -> io::Result<()> {
    let folder = note.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    write!(file, "{run}\n{}", path.display())?;
    file.persist(note)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_run_is_told_and_only_of_what_is_there() {
        let folder = tempfile::TempDir::new().unwrap();
        let (note, guest) = (folder.path().join("note"), folder.path().join("a guest"));
        assert_eq!(recall(&note, "run 1"), None);
        fs::write(&guest, "").unwrap();
        remember(&note, "run 1", &guest).unwrap();
        assert_eq!(recall(&note, "run 1"), Some(guest.clone()));
        assert_eq!(recall(&note, "run 2"), None);
        remember(&note, "run 2", &guest).unwrap();
        assert_eq!(recall(&note, "run 1"), None);
        fs::remove_file(guest).unwrap();
        assert_eq!(recall(&note, "run 2"), None);
    }

    #[test]
    fn a_process_builds_once_and_tries_again_what_failed() {
        let folder = tempfile::TempDir::new().unwrap();
        let package = "once.no-package";
        let failed = once(package, Profile::Dev, || {
            Err(crate::Error::Build {
                package: package.into(),
                profile: Profile::Dev,
                problem: "of this test".into(),
            })
        });
        assert!(failed.is_err());
        let path = folder.path().to_owned();
        let built = once(package, Profile::Dev, || Ok(path.clone())).unwrap();
        assert_eq!(built, path);
        let again = once(package, Profile::Dev, || panic!("built twice")).unwrap();
        assert_eq!(again, path);
    }
}
