//! Selection of the machine.

use std::error::Error;
use std::path::Path;

use alt_image::caps::ids::{self, Machine};

use super::Cpus;
use crate::input::read_text;

pub fn of(cpus: &Cpus) -> Result<Machine, Box<dyn Error>> {
    if let Some(cpu) = &cpus.cpu {
        return Ok(ids::builtin(cpu)?);
    }
    let file = cpus.ids.as_deref().unwrap_or_default();
    // The name of a file may contain a #.
    let (path, name) = match file.rsplit_once('#') {
        Some((path, name)) if !Path::new(file).exists() => (path, Some(name)),
        _ => (file, None),
    };
    let mut machines = ids::read(path, &read_text(path.as_ref())?)?;
    let index = match name {
        Some(name) => place(&machines, name),
        None if machines.len() == 1 => Some(0),
        None => {
            return Err(format!(
                "{path} has several machines; name one as {path}#NAME, of {}",
                names(&machines)
            )
            .into());
        }
    };
    let missing = || format!("{path} has no machine {}", name.unwrap_or_default());
    match index {
        Some(index) => Ok(machines.swap_remove(index)),
        None => Err(format!("{}; there are {}", missing(), names(&machines)).into()),
    }
}

/// Selects by the full name, or the first machine with that CPU.
fn place(machines: &[Machine], name: &str) -> Option<usize> {
    let whole = machines
        .iter()
        .position(|machine| machine.to_string() == name);
    whole.or_else(|| {
        machines
            .iter()
            .position(|machine| machine.cpu.as_deref() == Some(name))
    })
}

fn names(machines: &[Machine]) -> String {
    let names: Vec<_> = machines.iter().map(ToString::to_string).collect();
    names.join(", ")
}
