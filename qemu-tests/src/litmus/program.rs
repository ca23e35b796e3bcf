//! The text of a litmus test, as herd7 reads it: a column of instructions for each CPU.

use super::Caches;

/// A parsed test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The line that describes the outcome.
    comment: String,
    /// Registers and memory at the start.
    init: String,
    /// The instructions and labels of each CPU.
    cpus: Vec<Vec<String>>,
    /// The outcome whose possibility herd7 decides.
    condition: String,
}

impl Program {
    /// Reads a text with one line of each kind and rows of instructions.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut program = Self {
            comment: String::new(),
            init: String::new(),
            cpus: Vec::new(),
            condition: String::new(),
        };
        for line in text.lines().skip(1) {
            if let Some(row) = line.strip_suffix(';') {
                program.add(row);
            } else if line.starts_with("Com=") {
                program.comment = line.into();
            } else if line.starts_with('{') {
                program.init = line.into();
            } else if line.starts_with("exists") {
                program.condition = line.into();
            } else {
                return Err(format!("an unexpected line: {line}"));
            }
        }
        match program.cpus.is_empty() || program.condition.is_empty() {
            true => Err("no instructions, or no condition".into()),
            false => Ok(program),
        }
    }

    fn add(&mut self, row: &str) {
        for (index, cell) in row.split('|').map(str::trim).enumerate() {
            // The first row names the CPUs.
            if cell == format!("P{index}") {
                self.cpus.push(Vec::new());
            } else if let (false, Some(cpu)) = (cell.is_empty(), self.cpus.get_mut(index)) {
                cpu.push(cell.into());
            }
        }
    }

    /// The instructions and labels of a CPU.
    pub fn cpu(&self, index: usize) -> &[String] {
        self.cpus.get(index).map_or(&[], Vec::as_slice)
    }

    /// The steps that remain if CTR_EL0.DIC is set: without IC by address, and without the DSB
    /// after the last IC.
    pub(super) fn without_invalidation(mut self) -> Self {
        for cpu in &mut self.cpus {
            let is_ic = |line: &String| line.starts_with("IC IVAU");
            if let Some(last) = cpu.iter().rposition(is_ic) {
                cpu.remove(last + 1);
                cpu.retain(|line| !is_ic(line));
            }
        }
        self
    }

    /// The program with a change: `complete`; `P1 without LINE`, the first one, or `LINE (2)`, the
    /// second; `P1 with LINE for LINE`.
    pub(super) fn changed(mut self, change: &str) -> Result<Self, String> {
        if change == "complete" {
            return Ok(self);
        }
        let wrong = || format!("`{change}` is no change");
        let (cpu, change) = change.split_once(' ').ok_or_else(wrong)?;
        let cpu = cpu.strip_prefix('P').and_then(|number| number.parse().ok());
        let cpu: usize = cpu.ok_or_else(wrong)?;
        let lines = self.cpus.get_mut(cpu).ok_or_else(wrong)?;
        let (new, old) = match change.split_once(' ').ok_or_else(wrong)? {
            ("without", old) => (None, old),
            ("with", lines) => {
                let (new, old) = lines.split_once(" for ").ok_or_else(wrong)?;
                (Some(new), old)
            }
            _ => return Err(wrong()),
        };
        let (old, skipped) = match old.strip_suffix(" (2)") {
            Some(old) => (old, 1),
            None => (old, 0),
        };
        let mut places = lines.iter().enumerate().filter(|(_, line)| *line == old);
        let (place, _) = places
            .nth(skipped)
            .ok_or_else(|| format!("P{cpu} has no `{old}`"))?;
        match new {
            Some(new) => lines[place] = new.into(),
            None => drop(lines.remove(place)),
        }
        Ok(self)
    }

    /// The text again, for a system.
    pub(super) fn text(&self, name: &str, caches: Caches) -> String {
        let mut text = format!("AArch64 {name}\n");
        if caches.idc || caches.dic {
            text += &format!("CacheType={}\n", caches.name());
        }
        text += &format!("{}\n{}\n", self.comment, self.init);
        let heading: Vec<_> = (0..self.cpus.len()).map(|cpu| format!("P{cpu}")).collect();
        text += &(heading.join(" | ") + " ;\n");
        let height = self.cpus.iter().map(Vec::len).max().unwrap_or(0);
        for row in 0..height {
            let cells = self.cpus.iter();
            let cells = cells.map(|cpu| cpu.get(row).map_or("", String::as_str));
            text += &(cells.collect::<Vec<_>>().join(" | ") + " ;\n");
        }
        text + &self.condition + "\n"
    }
}
