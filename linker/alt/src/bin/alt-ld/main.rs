//! `alt-ld`: runs the lint of docs/reach.md, and then the `rust-lld` of the toolchain.
//!
//! ```toml
//! # .cargo/config.toml
//! [target.aarch64-unknown-none]
//! linker = "alt-ld"
//! ```
//!
//! It takes the arguments of a linker, checks the inputs that they name, and, if there are no
//! findings, runs the linker with the same arguments. A partial link (`-r`) is not checked; its
//! output is checked in the final link. Calls of outline atomics in the inputs become sites, as
//! docs/atomics.md describes, if the helpers of alt-runtime are among the inputs. With `--icf=all`,
//! sites must refer to their records, or the linker would fold functions whose records differ. In the
//! linked image, namespaces are checked against their manifests, since the addresses are known only
//! there.
//!
//! The argument `--alt-keep`, which the linker itself does not see, keeps the inputs that livepatch requires of the
//! build in the folder `IMAGE.livepatch` (docs/livepatch.md). Without the flags that livepatch
//! requires, the build fails.
//!
//! The argument `--alt-finish`, which the linker does not see either, writes the finished table over the
//! records (docs/finished.md).

mod arguments;
mod atomics;
mod finish;
mod keep;
mod namespaces;
mod response;

use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};
use std::{env, io};

use alt_linker::branch_range::{self, NotChecked, Options};
use alt_linker::folding;
use arguments::Arguments;

/// The variable with suppressed findings: `KIND` or `KIND:SYMBOL`, separated by commas.
const ALLOW: &str = "ALT_REACH_ALLOW";

/// The variable with another linker than `rust-lld`.
const LINKER: &str = "ALT_LD_LINKER";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("alt-ld: error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[OsString]) -> Result<ExitCode, Box<dyn Error>> {
    let mut link = Arguments::read(arguments)?;
    if !link.partial {
        let report = branch_range::check(&link.inputs, &options()?)?;
        for NotChecked { name, what } in &report.not_checked {
            eprintln!("alt-ld: not checked: {name}: {}", what.reason());
        }
        for finding in &report.findings {
            eprintln!("{finding}");
        }
        if !report.findings.is_empty() {
            let found = report.findings.len();
            eprintln!("alt-ld: not linked, {found} found: {}", report.checked());
            return Ok(ExitCode::from(1));
        }
    }
    if link.folds_all && !folding(&link)? {
        return Ok(ExitCode::from(1));
    }
    // The rewritten inputs exist until the end of the link.
    let rewritten = atomics::rewrite(&mut link)?;
    // A partial link makes no image.
    let linked = match link.keep && !link.partial {
        true => Some(keep::link(&link, linker(&link.all))?),
        false => None,
    };
    let status = match &linked {
        Some(linked) => linked.status,
        None => match &rewritten {
            Some(rewritten) => rewritten.link(&link, linker(&link.all))?,
            None => run_linker(linker(arguments), &link, arguments)?,
        },
    };
    // With `--version`, a linker writes no image.
    if status.success() && !link.partial && !link.inputs.is_empty() && link.output.exists() {
        if !namespaces::check(&link.output)? {
            return Ok(ExitCode::from(1));
        }
        if link.finish {
            finish::finish(&link.output)?;
        }
        if let Some(linked) = &linked
            && !keep::keep(&link, linked)?
        {
            return Ok(ExitCode::from(1));
        }
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}

/// Runs the linker with the arguments as they were given, except our own.
fn run_linker(
    mut linker: Command,
    link: &Arguments,
    given: &[OsString],
) -> Result<ExitStatus, Box<dyn Error>> {
    let arguments = match link.keep || link.finish {
        true => &link.all,
        false => given,
    };
    let status = linker.args(arguments).status();
    Ok(status.map_err(|why| cannot_run(&linker, &why))?)
}

fn cannot_run(linker: &Command, why: &io::Error) -> String {
    let program = linker.get_program().display();
    format!("{program}: {why}; set {LINKER} to the path of a linker")
}

/// Checks that `--icf=all` cannot fold functions whose records differ; reports sites where it can.
fn folding(link: &Arguments) -> Result<bool, Box<dyn Error>> {
    let found = folding::check(&link.inputs)?;
    for site in &found {
        eprintln!("{site}");
    }
    if !found.is_empty() {
        eprintln!("alt-ld: not linked, {} found", found.len());
    }
    Ok(found.is_empty())
}

fn options() -> Result<Options, String> {
    let words = env::var(ALLOW).unwrap_or_default();
    let words = words
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    let allow = words.map(|word| word.parse().map_err(|why| format!("{ALLOW}: {why}")));
    Ok(Options {
        allow: allow.collect::<Result<_, _>>()?,
        before_target: Some(alt_image::disasm::before_target),
    })
}

/// The linker, with a flavor if it is the generic driver of lld and the arguments have none.
fn linker(arguments: &[OsString]) -> Command {
    let linker = env::var_os(LINKER).unwrap_or_else(rust_lld);
    let is_generic = takes_flavor(&linker);
    let mut command = Command::new(linker);
    if is_generic && arguments.first().is_none_or(|first| first != "-flavor") {
        command.args(["-flavor", "gnu"]);
    }
    command
}

/// Whether a linker is the generic driver of lld, which takes `-flavor`. Another one does not know it.
fn takes_flavor(linker: &OsStr) -> bool {
    let stem = Path::new(linker).file_stem();
    stem.is_some_and(|stem| stem == "rust-lld" || stem == "lld")
}

/// rustc adds the folder of its linkers to PATH when it runs a linker. Without that, the location
/// comes from rustc.
fn rust_lld() -> OsString {
    let name = format!("rust-lld{}", env::consts::EXE_SUFFIX);
    let path = env::var_os("PATH").unwrap_or_default();
    if env::split_paths(&path).any(|folder| folder.join(&name).is_file()) {
        return name.into();
    }
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    sysroot(&rustc)
        .map(|root| root.join("bin").join(&name))
        .filter(|path| path.is_file())
        .map_or_else(|| name.into(), PathBuf::into_os_string)
}

/// `…/lib/rustlib/HOST`, the folder of rustc's tools.
fn sysroot(rustc: &OsStr) -> Option<PathBuf> {
    let output = Command::new(rustc)
        .args(["--print", "target-libdir"])
        .output()
        .ok()?;
    let libraries = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    libraries.parent().map(PathBuf::from)
}
