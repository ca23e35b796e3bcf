//! Runs the guest and reads its output.

use super::{
    table::{self, Table},
    trace::{self, CacheOp},
};
use qemu_tests::{Image, Machine, Qemu, Version, console};
use std::{collections::BTreeMap, error::Error, fs, time::Duration};

/// With LSE, and neither CTR_EL0.IDC nor DIC, so that all maintenance is needed.
pub(crate) const CPU: &str = "cortex-a76";

/// Without LSE.
const OLD_CPU: &str = "cortex-a53";

const TIMEOUT: Duration = Duration::from_secs(120);

/// A line of the guest: the table, the counted quantity, and the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) value: u64,
}

/// The numbers of a pass, by name.
pub(crate) struct Pass {
    numbers: BTreeMap<String, u64>,
    /// The cache maintenance of the whole pass, from QEMU's log.
    pub(crate) operations: Vec<CacheOp>,
}

impl Pass {
    /// A number that the guest must have printed.
    pub(crate) fn get(&self, name: &str) -> Result<u64, String> {
        let value = self.numbers.get(name).copied();
        value.ok_or_else(|| format!("the guest has not counted `{name}`"))
    }
}

/// Counts checks and operations; operations also on a CPU without LSE.
pub(crate) fn run_peers(qemu: &Qemu, image: &Image) -> Result<Vec<Line>, Box<dyn Error>> {
    let run = |cpu| -> Result<Vec<Line>, Box<dyn Error>> {
        let text = console::run(qemu, &machine(cpu), image.path(), TIMEOUT)?;
        Ok(parse(&text)?)
    };
    let mut lines = run(CPU)?;
    let old = run(OLD_CPU)?.into_iter();
    lines.extend(old.filter(|line| line.group == "operation"));
    Ok(lines)
}

/// Counts a pass over a table.
pub(crate) fn run_pass(qemu: &Qemu, image: &Image, table: &Table) -> Result<Pass, Box<dyn Error>> {
    let directory = tempfile::TempDir::new()?;
    let (blob, log) = (directory.path().join("table"), directory.path().join("log"));
    fs::write(&blob, &table.bytes)?;
    // QEMU uses the first -accel of several, so the option is part of the machine's own one.
    let machine = match qemu.version() >= Version::new(8, 1) {
        true => machine(CPU).accel("tcg,one-insn-per-tb=on"),
        false => machine(CPU).args(["-singlestep"]),
    };
    let machine = machine
        .args(["-device".to_owned(), loader(&blob.display().to_string())])
        // The registers before each of these instructions, and of no others.
        .args(["-d", "exec,cpu,nochain", "-dfilter", &trace::filter(image)])
        .args(["-D", &log.display().to_string()]);
    let text = console::run(qemu, &machine, image.path(), TIMEOUT)?;
    let numbers = parse(&text)?
        .into_iter()
        .filter(|line| line.group == "pass")
        .map(|line| (line.name, line.value))
        .collect();
    Ok(Pass {
        numbers,
        operations: trace::read(image, &fs::read_to_string(&log)?)?,
    })
}

fn loader(file: &str) -> String {
    format!("loader,file={file},addr={:#x},force-raw=on", table::ADDRESS)
}

fn machine(cpu: &str) -> Machine {
    Machine::new(cpu).args(["-icount", "shift=0,sleep=off"])
}

/// Reads the guest's lines: `GROUP NAME NUMBER`, at last `end 0`.
fn parse(text: &str) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if let Some(error) = line.strip_prefix("error ") {
            return Err(format!("the guest: {error}"));
        }
        if line == "end 0" {
            return Ok(lines);
        }
        let parts = line.split_once(' ').and_then(|(group, rest)| {
            let (name, value) = rest.rsplit_once(' ')?;
            Some((group, name, value.parse().ok()?))
        });
        let Some((group, name, value)) = parts else {
            return Err(format!("the guest printed {line:?}"));
        };
        lines.push(Line {
            group: group.to_owned(),
            name: name.to_owned(),
            value,
        });
    }
    Err("the guest did not run to its end".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_group_name_and_number() {
        let lines = parse("pass plan 12\r\ncheck AtomicBool | no 3\r\nend 0\r\n").unwrap();
        let line = |group: &str, name: &str, value| Line {
            group: group.into(),
            name: name.into(),
            value,
        };
        assert_eq!(
            lines,
            [
                line("pass", "plan", 12),
                line("check", "AtomicBool | no", 3)
            ]
        );
    }

    #[test]
    fn what_is_no_result_is_refused() {
        for (text, problem) in [
            ("pass plan 12\n", "did not run to its end"),
            ("pass plan 12\nerror no LSE\nend 0\n", "the guest: no LSE"),
            ("pass plan many\nend 0\n", "pass plan many"),
            ("pass 12\nend 0\n", "pass 12"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }
}
