//! The table: a row for each machine, a column for each profile and entry.

use crate::style;
use qemu_tests::{
    Profile,
    results::{Entry, Lacking, Trial, Verdict},
};
use std::{
    collections::BTreeMap,
    fmt::{self, Write},
};

/// A column: build profile and entry, as the results name them.
type Column = (String, Entry);

/// All results, in their places.
pub(super) struct Grid<'a> {
    pub(super) columns: Vec<Column>,
    pub(super) rows: BTreeMap<String, Vec<Option<&'a Verdict>>>,
}

/// Number of trials by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) ok: usize,
    pub(super) failed: usize,
}

impl<'a> Grid<'a> {
    /// Only the columns that have a trial.
    pub(super) fn new(trials: &'a [Trial]) -> Self {
        let all = Profile::ALL
            .iter()
            .flat_map(|profile| Entry::ALL.map(|entry| (profile.name().to_owned(), entry)));
        let is_of =
            |trial: &Trial, column: &Column| (&trial.profile, trial.entry) == (&column.0, column.1);
        let columns: Vec<Column> = all
            .filter(|column| trials.iter().any(|trial| is_of(trial, column)))
            .collect();
        let mut rows = BTreeMap::new();
        for trial in trials {
            let row = rows
                .entry(machine(trial, trials))
                .or_insert_with(|| vec![None; columns.len()]);
            let place = columns.iter().position(|column| is_of(trial, column));
            if let Some(cell) = place.and_then(|place| row.get_mut(place)) {
                *cell = Some(&trial.verdict);
            }
        }
        Self { columns, rows }
    }

    /// The sums of all trials.
    pub(super) fn total(&self) -> Total {
        let mut total = Total::default();
        for verdict in self.rows.values().flatten().flatten() {
            match verdict {
                Verdict::Ok { .. } => total.ok += 1,
                Verdict::Failed(_) => total.failed += 1,
            }
        }
        total
    }
}

/// The name of a row, with the version of QEMU if there are results of several versions.
pub(super) fn machine(trial: &Trial, trials: &[Trial]) -> String {
    let machine = &trial.machine;
    match trials.iter().all(|other| other.qemu == trial.qemu) {
        true => machine.clone(),
        false => format!("{machine}@{}", trial.qemu),
    }
}

/// The text of a cell.
pub(super) fn text(verdict: Option<&Verdict>) -> String {
    match verdict {
        Some(Verdict::Ok { patched, sites }) => format!("ok {patched}/{sites}"),
        Some(Verdict::Failed(_)) => "FAILED".into(),
        None => "-".into(),
    }
}

/// The reason why the machine was not available, from the test.
pub(super) fn lacking(machine: &Lacking) -> String {
    format!("{}: {}", machine.machine, machine.reason)
}

impl fmt::Display for Grid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.rows.keys().map(String::len);
        let first = names.max().unwrap_or(0).max("machine".len());
        let headings = self.columns.iter();
        let headings = headings.map(|(profile, entry)| format!("{profile} {}", entry.name()));
        let headings: Vec<_> = headings.collect();
        let cells = self.rows.values().flatten().map(|cell| text(*cell).len());
        let longest = cells.chain(headings.iter().map(String::len)).max();
        let width = longest.unwrap_or(0);

        let mut title = format!("{:first$}", "machine");
        for heading in &headings {
            write!(title, "  {heading:width$}")?;
        }
        write!(f, "{}", style::heading(title.trim_end()))?;
        for (name, row) in &self.rows {
            write!(f, "\n{name:first$}")?;
            for verdict in row {
                // Padded before it is coloured: the escapes have no width.
                let text = format!("{:width$}", text(*verdict));
                let text = match verdict {
                    Some(Verdict::Ok { .. }) => style::good(text),
                    Some(Verdict::Failed(_)) => style::bad(text),
                    None => style::faint(text),
                };
                write!(f, "  {text}")?;
            }
        }
        for (name, row) in &self.rows {
            for ((profile, entry), verdict) in self.columns.iter().zip(row) {
                if let Some(Verdict::Failed(why)) = verdict {
                    let what = style::bad(format!("{profile} {} {name}", entry.name()));
                    write!(f, "\n\n{what}: {why}")?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ok, failed } = self;
        write!(f, "{ok} ok, {failed} failed")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use qemu_tests::results::Cap;

    pub(crate) fn trial(machine: &str, profile: Profile, entry: Entry, verdict: Verdict) -> Trial {
        Trial {
            qemu: "7.2".into(),
            machine: machine.into(),
            profile: profile.name().into(),
            entry,
            verdict,
            caps: Vec::<Cap>::new(),
        }
    }

    pub(crate) const OK: Verdict = Verdict::Ok {
        patched: 57,
        sites: 93,
    };

    fn shown(trials: &[Trial]) -> String {
        let text = Grid::new(trials).to_string();
        let text = anstream::adapter::strip_str(&text).to_string();
        let lines: Vec<_> = text.lines().map(str::trim_end).collect();
        lines.join("\n")
    }

    #[test]
    fn each_trial_has_its_place() {
        let trials = [
            trial("max", Profile::Release, Entry::El2, OK),
            trial("max", Profile::Dev, Entry::El1, OK),
            trial(
                "a64fx",
                Profile::Dev,
                Entry::El1,
                Verdict::Failed("why".into()),
            ),
        ];
        assert_eq!(
            shown(&trials),
            "machine  dev el1      release el2
a64fx    FAILED       -
max      ok 57/93     ok 57/93

dev el1 a64fx: why"
        );
        let total = Grid::new(&trials).total();
        assert_eq!(total.to_string(), "2 ok, 1 failed");
    }

    #[test]
    fn results_of_two_versions_have_rows_of_their_own() {
        let mut trials = [(); 2].map(|()| trial("max", Profile::Dev, Entry::El1, OK));
        trials[1].qemu = "10.0".into();
        let rows: Vec<_> = Grid::new(&trials).rows.into_keys().collect();
        assert_eq!(rows, ["max@10.0", "max@7.2"]);
    }
}
