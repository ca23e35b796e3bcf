//! apt-get, used such that it adds packages and removes none.

use super::{backports, change::Change, command, say};
use std::{
    error::Error,
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// apt-get with the machine's configuration, or with other sources for one installation.
pub(super) struct Apt {
    options: Vec<String>,
    /// The suite to prefer.
    suite: Option<String>,
    /// The directory of the other sources and their indexes.
    _folder: Option<TempDir>,
}

impl Apt {
    /// apt-get with the machine's configuration; `None` if packages cannot be installed without a
    /// question: without root or without apt-get.
    pub(super) fn find() -> Option<Self> {
        let is_root = output(Command::new("id").arg("-u")).as_deref() == Some("0");
        let is_there = output(Command::new("apt-get").arg("--version")).is_some();
        (is_root && is_there).then_some(Self {
            options: Vec::new(),
            suite: None,
            _folder: None,
        })
    }

    /// The same with the backports of the release as a second suite, from the mirror of the
    /// release. The machine's configuration and lists of packages are not changed.
    pub(super) fn with_backports(&self) -> Result<Self, Box<dyn Error>> {
        let os_release = fs::read_to_string("/etc/os-release")?;
        let codename = backports::codename(&os_release).ok_or("the release has no code name")?;
        let targets = output(self.apt_get().args(backports::INDEX_TARGETS));
        let entry = targets.and_then(|targets| backports::entry(&targets, codename));
        let (file, number) = entry.ok_or("apt has no source of this release")?;
        let text = fs::read_to_string(&file)?;
        let sources = backports::sources(&file, &text, number, codename)
            .ok_or_else(|| format!("no source of this release in {}", file.display()))?;

        let folder = TempDir::new()?;
        let lists = folder.path().join("lists");
        fs::create_dir(&lists)?;
        // apt fetches as a user of its own, who must reach the lists.
        for path in [folder.path(), &lists] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
        }
        // The address of a mirror may hold a password.
        let list = folder.path().join(file.file_name().unwrap_or_default());
        fs::write(&list, "")?;
        fs::set_permissions(&list, fs::metadata(&file)?.permissions())?;
        fs::write(&list, sources)?;
        let options = [
            format!("Dir::Etc::SourceList={}", list.display()),
            "Dir::Etc::SourceParts=-".into(),
            format!("Dir::State::Lists={}", lists.display()),
            // The cache of the machine's own lists stays valid.
            "Dir::Cache::pkgcache=".into(),
            "Dir::Cache::srcpkgcache=".into(),
        ];
        let apt = Self {
            options: options.into(),
            suite: Some(backports::suite(codename)),
            _folder: Some(folder),
        };
        apt.update()?;
        Ok(apt)
    }

    /// Fetches the lists of packages.
    pub(super) fn update(&self) -> Result<(), Box<dyn Error>> {
        run(self.apt_get().args(["update", "-q"]), "update")
    }

    /// The changes that the installation of a package would make.
    pub(super) fn simulate(&self, package: &str) -> Result<Change, Box<dyn Error>> {
        let mut command = self.apt_get();
        command
            .arg("--simulate")
            .args(self.install_arguments(package));
        let output = command.output()?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            let why = stderr.lines().find(|line| line.starts_with("E: "));
            return Err(why.unwrap_or("apt-get refuses").into());
        }
        Ok(Change::parse(&String::from_utf8_lossy(&output.stdout)))
    }

    /// Installs a package, unless that removes or downgrades another.
    pub(super) fn install(&self, package: &str) -> Result<(), Box<dyn Error>> {
        if let Some(objection) = self.simulate(package)?.objection() {
            return Err(format!("{package} is not installed: {objection}").into());
        }
        let arguments = self.install_arguments(package);
        let shown = arguments.join(" ");
        say(&format!("apt-get {shown}"));
        // Another process may install packages in between; apt-get refuses then.
        run(self.apt_get().args(arguments).arg("--no-remove"), &shown)
    }

    /// The name of the source of packages.
    pub(super) fn source(&self) -> &str {
        self.suite.as_deref().unwrap_or("the distribution")
    }

    fn install_arguments(&self, package: &str) -> Vec<String> {
        let mut arguments = vec!["install", "-q", "-y", "--no-install-recommends"];
        if let Some(suite) = &self.suite {
            arguments.extend(["-t", suite]);
        }
        arguments.push(package);
        arguments.into_iter().map(str::to_owned).collect()
    }

    fn apt_get(&self) -> Command {
        let mut command = command("apt-get");
        for option in &self.options {
            command.args(["-o", option]);
        }
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            // Its output is parsed.
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        command
    }
}

fn run(command: &mut Command, what: &str) -> Result<(), Box<dyn Error>> {
    let status = command.status()?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("`apt-get {what}` failed ({status}); see above").into()),
    }
}

/// The output of a command that succeeds.
fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let success = output.status.success();
    success.then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
