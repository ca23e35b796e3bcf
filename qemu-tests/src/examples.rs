//! The kernels of `examples/`: how each boots, and the lines that its author writes for
//! alt-runtime.

use crate::{
    Error, Image, Launch, Machine, Profile, Qemu, Result, compare, guest,
    sites::{self, Site},
};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;
use test_support::workspace;

/// Where QEMU's `virt` loads an Image, 2 MiB above the start of RAM; the quick start is linked there.
const LOADED: u64 = 0x4020_0000;

/// A kernel of `examples/`.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// Its package, and its folder.
    pub package: &'static str,
    /// Booted as a flat image with the header of an arm64 Image, rather than as an ELF file.
    pub flat: bool,
    /// It starts all CPUs.
    pub smp: bool,
}

/// All examples.
pub const ALL: [Example; 3] = [
    Example {
        package: "quickstart",
        flat: false,
        smp: false,
    },
    Example {
        package: "higher-half",
        flat: true,
        smp: true,
    },
    Example {
        package: "relocatable",
        flat: true,
        smp: true,
    },
];

/// The result of a boot of an example.
#[derive(Clone, Debug)]
pub struct Boot {
    /// Number of sites in the tables of the image's file.
    pub sites: usize,
    /// Number of sites whose words in memory differ from those in the file.
    pub patched: usize,
    /// The output of the kernel.
    pub printed: String,
}

impl Example {
    /// Builds it and boots it on a machine.
    ///
    /// # Errors
    /// Those of [`guest::build`] and [`Launch::run_plain`]; [`Error::Example`] when the kernel does
    /// not report that its results are right, when its memory does not show the rewritten sites
    /// that it reports, or when a word outside its sites has changed.
    pub fn boot(&self, qemu: &Qemu, machine: &Machine, profile: Profile) -> Result<Boot> {
        let image = Image::open(&guest::build(self.package, profile)?)?;
        self.boot_image(qemu, machine, &image)
    }

    /// Boots a build of it.
    ///
    /// # Errors
    /// As for [`boot`](Self::boot).
    pub fn boot_image(&self, qemu: &Qemu, machine: &Machine, image: &Image) -> Result<Boot> {
        let launch = Launch::new(image, machine.clone());
        let run = match self.flat {
            true => {
                let mut file = NamedTempFile::new().map_err(Error::io("creating a flat image"))?;
                let written = file.write_all(&image.flat()?);
                written.map_err(Error::io("writing a flat image"))?;
                launch.run_plain(qemu, file.path(), LOADED)?
            }
            false => launch.run_plain(qemu, image.path(), LOADED)?,
        };
        let wrong = |problem: String| Error::Example {
            package: self.package,
            problem: format!("{problem}; it printed:\n{}", run.printed),
        };
        let records = sites::read(image)?;
        let sites = sites::sites(&records);
        let elsewhere = compare::outside_sites(image, &run.before, &run.after, &records)?;
        if !elsewhere.is_empty() {
            return Err(wrong(format!(
                "words changed outside its sites: {elsewhere:x?}"
            )));
        }
        let changes = compare::changed_text(image, &run.before, &run.after)?;
        let is_patched = |site: &&Site| {
            let mut changed = changes.iter().map(|change| change.address);
            changed.any(|address| site.range().contains(&address))
        };
        let (sites, patched) = (sites.len(), sites.iter().filter(is_patched).count());
        if rewritten(&run.printed) != Some((patched, sites)) {
            return Err(wrong(format!(
                "its memory shows {patched} of {sites} sites rewritten"
            )));
        }
        if !run.printed.lines().any(|line| line.starts_with("ok: ")) {
            return Err(wrong(
                "it does not report that its results are right".into(),
            ));
        }
        Ok(Boot {
            sites,
            patched,
            printed: run.printed,
        })
    }

    /// Its folder.
    pub fn folder(&self) -> PathBuf {
        workspace().join("examples").join(self.package)
    }

    /// Number of lines that its author writes for alt-runtime, without blank lines and comments:
    /// those of `src/alternatives.rs`, and the lines of other files that mention it or alt-runtime.
    /// `src/sites.rs`, which has the code that is patched, is left out.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be read.
    pub fn integration(&self) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        for file in files(&self.folder())? {
            let text = fs::read_to_string(&file)
                .map_err(Error::io(format!("reading {}", file.display())))?;
            lines.extend(integration(&file, &text));
        }
        Ok(lines)
    }
}

/// The first numbers of `2 of 3 sites rewritten`.
fn rewritten(printed: &str) -> Option<(usize, usize)> {
    let line = printed
        .lines()
        .find(|line| line.contains(" sites rewritten"))?;
    let (rest, _) = line.split_once(" sites rewritten")?;
    let (rest, sites) = rest.rsplit_once(" of ")?;
    let patched = rest.rsplit(' ').next()?;
    Some((patched.parse().ok()?, sites.parse().ok()?))
}

/// The files of an example that its author writes.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for folder in [folder.to_owned(), folder.join("src")] {
        let problem = || Error::io(format!("listing {}", folder.display()));
        for entry in fs::read_dir(&folder).map_err(problem())? {
            let path = entry.map_err(problem())?.path();
            if path.is_file() {
                all.push(path);
            }
        }
    }
    all.sort();
    Ok(all)
}

fn integration(file: &Path, text: &str) -> Vec<String> {
    let name = file.file_name().and_then(|name| name.to_str());
    let code = text.lines().map(str::trim).filter(|line| {
        !line.is_empty()
            && !["//", "#!", "/*", "* "]
                .iter()
                .any(|start| line.starts_with(start))
    });
    let mentions = |line: &&str| {
        ["alternatives", "alt_", "alt-"]
            .iter()
            .any(|word| line.contains(word))
            || line.starts_with("INCLUDE")
    };
    let lines: Vec<_> = match name {
        Some("sites.rs" | "cpucaps.toml") => Vec::new(),
        Some("alternatives.rs") => code.collect(),
        _ => code.filter(mentions).collect(),
    };
    lines.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_where_they_are_written() {
        let count = |name: &str, text: &str| integration(Path::new(name), text).len();
        let code = "//! About.\n\nuse a;\n    // why\n    f();\n";
        assert_eq!(count("src/alternatives.rs", code), 2);
        assert_eq!(count("src/sites.rs", "use alt_runtime::alternative;"), 0);
        assert_eq!(count("src/smp.rs", "alternatives::join();\nf();"), 1);
        assert_eq!(count("kernel.ld", "/* alt_plan */\n*(alt_plan)\n"), 1);
        assert_eq!(count("kernel.ld", "  INCLUDE some.x\n"), 1);
        assert_eq!(
            count("Cargo.toml", "[dependencies]\nalt-runtime = \"1\"\n"),
            1
        );
    }

    #[test]
    fn report_is_read_from_what_is_printed() {
        let printed = "a: 2 of 3 sites rewritten: 8 words in 2 cache lines\nok: 42\n";
        assert_eq!(rewritten(printed), Some((2, 3)));
        assert_eq!(rewritten("not patched: no room"), None);
    }
}
