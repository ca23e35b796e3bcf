//! The system that an image is patched for.

use std::error::Error;
use std::path::PathBuf;

use alt_linker::caps::{Caps, ids};
use alt_linker::loaded::Loaded;
use alt_linker::patching::{Answers, Expectation};
use alt_runtime::cap::{CapSet, CapTable};
use clap::Args;

use crate::input::read_text;

/// The arguments that say what the CPUs can do.
#[derive(Args)]
pub struct System {
    #[command(flatten)]
    cpus: Cpus,
    /// The kernel's command line, for overrides such as arm64.nolse
    #[arg(long, value_name = "LINE", conflicts_with = "caps")]
    cmdline: Option<String>,
    /// What a cpucap comes to that only the kernel or its build can tell: NAME or !NAME
    #[arg(long, value_name = "NAME", conflicts_with = "caps")]
    assume: Vec<String>,
    /// What callbacks leave: a TOML file with lists of words, by callback or by symbol+offset
    #[arg(long, value_name = "FILE")]
    callbacks: Option<PathBuf>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Cpus {
    /// A CPU model of QEMU: cortex-a76, max,pauth=off, max@7.2
    #[arg(long, value_name = "MODEL")]
    cpu: Option<String>,
    /// ID registers: a TOML file, lines NAME=0x…, or a saved log of kernel-demo. Of several
    /// machines, name one: FILE#cortex-a76
    #[arg(long, value_name = "FILE")]
    ids: Option<String>,
    /// The cpucaps that are present, by names or numbers, separated by commas; "" for none
    #[arg(long, value_name = "LIST")]
    caps: Option<String>,
}

impl System {
    /// What the image will be on this system.
    pub fn expect(&self, opened: &Loaded) -> Result<Expectation, Box<dyn Error>> {
        let (table, present) = self.present(opened)?;
        let answers = match &self.callbacks {
            None => Answers::none(),
            Some(path) => Answers::from_toml(&read_text(path)?)
                .map_err(|error| format!("{}: {error}", path.display()))?,
        };
        let Loaded { image, records, .. } = opened;
        Ok(Expectation::new(image, records, table, &present, &answers)?)
    }

    fn present(&self, opened: &Loaded) -> Result<(&'static CapTable, CapSet), Box<dyn Error>> {
        let caps = match &opened.caps[..] {
            [] => None,
            [caps] => Some(caps),
            _ => return Err("the image has several tables of cpucaps; `alt verify` says which. Choose one by --cpucaps".into()),
        };
        if let Some(list) = &self.cpus.caps {
            let table = caps.map_or_else(|| opened.names.table(), Caps::table);
            return Ok((table, listed(list, opened, table)?));
        }
        let caps = caps.ok_or(
            "nothing says how the cpucaps of this image show in ID registers: \
             give a TOML file by --cpucaps, or list what is present by --caps",
        )?;
        let mut caps = caps.clone();
        for word in &self.assume {
            match word.strip_prefix('!') {
                Some(name) => caps.assume(name, false)?,
                None => caps.assume(word, true)?,
            }
        }
        if let Some(undecided) = caps.undecided().first() {
            let name = undecided.name;
            return Err(format!("{undecided}: say --assume {name} or --assume '!{name}'").into());
        }
        let machine = self.machine()?;
        let present = caps.detect(&machine.ids, self.cmdline.as_deref().unwrap_or(""))?;
        Ok((caps.table(), present))
    }

    fn machine(&self) -> Result<ids::Machine, Box<dyn Error>> {
        if let Some(cpu) = &self.cpus.cpu {
            return Ok(ids::builtin(cpu)?);
        }
        let file = self.cpus.ids.as_deref().unwrap_or_default();
        let (path, name) = match file.rsplit_once('#') {
            Some((path, name)) => (path, Some(name)),
            None => (file, None),
        };
        let mut machines = ids::read(path, &read_text(path.as_ref())?)?;
        let names = machines.iter().map(ToString::to_string).collect::<Vec<_>>();
        let index = match name {
            Some(name) => machines
                .iter()
                .position(|machine| {
                    machine.to_string() == name || machine.cpu.as_deref() == Some(name)
                })
                .ok_or_else(|| format!("{path} has no machine {name}, but {}", names.join(", ")))?,
            None if machines.len() == 1 => 0,
            None => {
                return Err(format!(
                    "{path} has several machines, name one as {path}#NAME: {}",
                    names.join(", ")
                )
                .into());
            }
        };
        Ok(machines.swap_remove(index))
    }
}

/// The cpucaps of a list.
fn listed(list: &str, opened: &Loaded, table: &'static CapTable) -> Result<CapSet, Box<dyn Error>> {
    let words = list
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    words
        .map(|word| {
            let number = opened.names.number(word);
            let info = number.and_then(|number| table.get(number)).ok_or_else(|| {
                format!(
                    "there is no cpucap {word} among the {} of this image",
                    table.len()
                )
            })?;
            if info.cap.is_possible() {
                Ok(info.cap)
            } else {
                Err(format!(
                    "cpucap {word} is ruled out by the configuration of this image"
                ))
            }
        })
        .collect::<Result<_, _>>()
        .map_err(Into::into)
}
