//! Inputs and output in the arguments of a linker.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use alt_livepatch::archive::flags::KEEP;

use crate::finish::FINISH;
use crate::response;

/// Options whose value is a file that is not an input. A GCC driver passes `-plugin` in every link.
const NO_INPUT: [&str; 8] = [
    "-R",
    "--just-symbols",
    "-just-symbols",
    "-plugin",
    "--plugin",
    "-I",
    "-dynamic-linker",
    "--dynamic-linker",
];

/// The format of files that the linker embeds without reading them.
const BINARY: &str = "binary";

/// The default output of linkers.
const OUTPUT: &str = "a.out";

/// Options for a partial link.
const PARTIAL: [&str; 3] = ["-r", "--relocatable", "-i"];

/// The first bytes of inputs: objects, archives, LLVM bitcode. Linker scripts, which may have similar
/// names, have other ones.
const MAGIC: [&[u8]; 5] = [
    b"\x7fELF",
    b"!<arch>\n",
    b"!<thin>\n",
    b"BC\xc0\xde",
    b"\xde\xc0\x17\x0b",
];

/// The arguments of a link that alt-ld uses.
#[derive(Debug, PartialEq, Eq)]
pub struct Arguments {
    /// The inputs without duplicates, in the order of the link.
    pub inputs: Vec<PathBuf>,
    /// The output.
    pub output: PathBuf,
    /// Whether the link is partial.
    pub partial: bool,
    /// Whether functions with equal text are folded even if their addresses are taken (`--icf=all`).
    pub folds_all: bool,
    /// All arguments, those of response files included, without [`KEEP`] and [`FINISH`].
    pub all: Vec<OsString>,
    /// The arguments that do not name files, except linker scripts, without their folders.
    pub options: Vec<String>,
    /// The linker's map that the caller asks for.
    pub map: Option<PathBuf>,
    /// Whether the build is to be kept for livepatch.
    pub keep: bool,
    /// Whether the tables are to be finished.
    pub finish: bool,
}

impl Arguments {
    /// Reads the arguments, including response files (`@FILE`).
    pub fn read(arguments: &[OsString]) -> io::Result<Self> {
        let mut all = response::expand(arguments)?;
        let given = all.len();
        all.retain(|argument| argument != KEEP);
        let with_finish = all.len();
        all.retain(|argument| argument != FINISH);
        let (mut folders, mut named) = (Vec::new(), Vec::new());
        let mut link = Self {
            inputs: Vec::new(),
            output: OUTPUT.into(),
            partial: false,
            folds_all: false,
            keep: with_finish < given,
            finish: all.len() < with_finish,
            all: all.clone(),
            options: Vec::new(),
            map: None,
        };
        // Holds for the files after it.
        let mut embedded = false;
        let mut rest = all.into_iter();
        while let Some(argument) = rest.next() {
            let text = argument.to_string_lossy().into_owned();
            if NO_INPUT.contains(&text.as_str()) {
                rest.next();
            } else if let Some(how) = ["--icf=", "-icf="]
                .iter()
                .find_map(|s| text.strip_prefix(s))
            {
                link.folds_all = how == "all";
                link.options.push(text);
            } else if let Some(format) = value(&text, "-b", "--format", &mut rest)
                .or_else(|| value(&text, "-format", "-format", &mut rest))
            {
                let format = format.to_string_lossy().into_owned();
                embedded = format == BINARY;
                link.options.push(format!("--format={format}"));
            } else if PARTIAL.contains(&text.as_str()) {
                link.partial = true;
            } else if let Some(output) = value(&text, "-o", "--output", &mut rest) {
                link.output = output.into();
            } else if let Some(folder) = value(&text, "-L", "--library-path", &mut rest) {
                folders.push(PathBuf::from(folder));
            } else if let Some(library) = value(&text, "-l", "--library", &mut rest) {
                named.push(Named::Library(library.to_string_lossy().into_owned()));
            } else if let Some(map) = value(&text, "-Map", "--Map", &mut rest) {
                let map = map.to_string_lossy().into_owned();
                link.map = Some(map.strip_prefix('=').unwrap_or(&map).into());
            } else if value(&text, "-u", "--undefined", &mut rest).is_some() {
                // It adds code and changes none: a hook of a payload.
            } else if let Some(script) = value(&text, "-T", "--script", &mut rest) {
                let name = Path::new(&script).file_name().unwrap_or(&script);
                link.options.push(format!("-T{}", name.display()));
            } else if !text.starts_with('-') && embedded {
                let name = Path::new(&argument).file_name().unwrap_or(&argument);
                link.options.push(name.to_string_lossy().into_owned());
            } else if !text.starts_with('-') {
                named.push(Named::File(argument.into()));
            } else {
                link.options.push(text);
            }
        }
        for name in named {
            let path = match name {
                Named::File(path) if is_input(&path) => Some(path),
                // A linker script, or the value of an option.
                Named::File(path) => {
                    let name = path.file_name().unwrap_or(path.as_os_str());
                    link.options.push(name.to_string_lossy().into_owned());
                    None
                }
                Named::Library(name) => library(&name, &folders),
            };
            if let Some(path) = path.filter(|path| !link.inputs.contains(path)) {
                link.inputs.push(path);
            }
        }
        Ok(link)
    }

    /// Links `new` in the place of the input `old`. Returns whether an argument names it: not for
    /// one that was found by `-l`.
    pub fn replace(&mut self, old: &Path, new: &Path) -> bool {
        let inputs = self.inputs.iter_mut().filter(|input| *input == old);
        inputs.for_each(|input| new.clone_into(input));
        let arguments = self.all.iter_mut().filter(|argument| *argument == old);
        let arguments = arguments.map(|argument| *argument = new.into());
        arguments.count() != 0
    }
}

enum Named {
    File(PathBuf),
    Library(String),
}

/// The value of an option: `-Lvalue`, `-L value`, `--library-path=value`, `--library-path value`.
fn value(
    text: &str,
    short: &str,
    long: &str,
    rest: &mut impl Iterator<Item = OsString>,
) -> Option<OsString> {
    if text == short || text == long {
        return rest.next();
    }
    let long = text
        .strip_prefix(long)
        .and_then(|rest| rest.strip_prefix('='));
    // Long options may begin with one dash, except where an option of one letter exists.
    let short = || text.strip_prefix(short).filter(|_| !text.starts_with("--"));
    long.or_else(short).map(OsString::from)
}

/// The archive for `-l`. A shared object contributes no code to an image.
fn library(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let file = match name.strip_prefix(':') {
        Some(file) => file.to_owned(),
        None => format!("lib{name}.a"),
    };
    let mut paths = folders.iter().map(|folder| folder.join(&file));
    paths.find(|path| is_input(path))
}

fn is_input(path: &Path) -> bool {
    let mut start = Vec::new();
    let file = File::open(path);
    let read = file.and_then(|file| file.take(8).read_to_end(&mut start));
    read.is_ok() && MAGIC.iter().any(|magic| start.starts_with(magic))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn os(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn inputs_are_what_looks_like_one() {
        let dir = tempfile::TempDir::new().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            fs::write(&path, bytes).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (a, out) = (file("a.o", b"\x7fELF..."), file("out", b"\x7fELF..."));
        let rlib = file("libc.rlib", b"!<arch>\n");
        let library = file("libfoo.a", b"!<arch>\n");
        let bitcode = file("b.o", b"BC\xc0\xde");
        let script = file("kernel.ld", b"SECTIONS {}");
        let more = file("more", format!("{rlib}\n-lfoo\n").as_bytes());
        let folder = dir.path().to_str().unwrap();
        let link = |arguments: &[&str]| Arguments::read(&os(arguments)).unwrap();

        let more = format!("@{more}");
        let got = link(&[
            "-flavor",
            "gnu",
            "-o",
            &out,
            &a,
            "-T",
            &script,
            &script,
            &bitcode,
            &more,
            "-L",
            folder,
            "-lmissing",
            "missing.o",
            &a,
            "-z",
            "noexecstack",
        ]);
        let expected = [&a, &bitcode, &rlib, &library].map(PathBuf::from);
        assert_eq!((got.inputs.as_slice(), got.partial), (&expected[..], false));
        assert_eq!(got.output, PathBuf::from(&out));

        let got = link(&["-r", &format!("-L{folder}"), "-l", ":b.o", "--library=foo"]);
        let expected = [&bitcode, &library].map(PathBuf::from);
        assert_eq!((got.inputs.as_slice(), got.partial), (&expected[..], true));
        let got = link(&[
            "--library-path",
            folder,
            "--library",
            "foo",
            "--output",
            &out,
        ]);
        assert_eq!(got.inputs, [PathBuf::from(&library)]);
        for (arguments, folds) in [
            (&["--icf=all"][..], true),
            (&["-icf=all"], true),
            (&["--icf=all", "--icf=safe"], false),
            (&["--icf=none"], false),
            (&["icf=all"], false),
            (&[], false),
        ] {
            assert_eq!(link(arguments).folds_all, folds, "{arguments:?}");
        }
        for (arguments, output) in [
            (&["--output", "image"][..], "image"),
            (&["--output=image"], "image"),
            (&["-oimage"], "image"),
            (&[], "a.out"),
        ] {
            assert_eq!(link(arguments).output, PathBuf::from(output));
        }
    }

    /// An ELF program that is embedded as data, and the plugin of a GCC driver, have the first bytes of
    /// objects.
    #[test]
    fn embedded_files_and_plugins_are_no_inputs() {
        let dir = tempfile::TempDir::new().unwrap();
        let file = |name: &str| {
            let path = dir.path().join(name);
            fs::write(&path, b"\x7fELF...").unwrap();
            path.to_str().unwrap().to_owned()
        };
        let [a, b, init] = ["a.o", "b.o", "init.elf"].map(file);
        for format in [
            &["-b", "binary"][..],
            &["-bbinary"],
            &["--format=binary"],
            &["--format", "binary"],
            &["-format=binary"],
        ] {
            let words: Vec<_> = [&a[..]]
                .iter()
                .chain(format)
                .chain(&[&init[..], "--format=elf", &b])
                .copied()
                .collect();
            let got = Arguments::read(&os(&words)).unwrap();
            assert_eq!(got.inputs, [&a, &b].map(PathBuf::from), "{format:?}");
        }
        for option in ["-plugin", "--plugin", "-dynamic-linker"] {
            let got = Arguments::read(&os(&[option, &init, "-plugin-opt=-fresolution=x", &a]));
            assert_eq!(got.unwrap().inputs, [PathBuf::from(&a)], "{option}");
        }
    }

    #[test]
    fn a_build_is_kept_when_asked_for() {
        let dir = tempfile::TempDir::new().unwrap();
        let object = dir.path().join("a.o");
        fs::write(&object, b"\x7fELF...").unwrap();
        let given = format!("--alt-keep {} -T /x/kernel.ld", object.display());
        let file = dir.path().join("arguments");
        fs::write(&file, given).unwrap();
        let file = format!("@{}", file.display());
        let got = Arguments::read(&os(&[
            "-flavor",
            "gnu",
            &file,
            "-L",
            "/y",
            "-Map=k.map",
            "-z",
            "now",
            "--emit-relocs",
            "-omy image",
            "/x/memory.x",
        ]));
        let got = got.unwrap();
        assert!(got.keep);
        let options = [
            "-flavor",
            "-Tkernel.ld",
            "-z",
            "--emit-relocs",
            "gnu",
            "now",
            "memory.x",
        ];
        assert_eq!(got.options, options);
        assert_eq!(got.map, Some("k.map".into()));
        assert!(!got.all.contains(&KEEP.into()));

        let other = Arguments::read(&os(&["-Map", "m", "a.o"])).unwrap();
        assert_eq!((other.keep, other.map), (false, Some("m".into())));
    }
}
