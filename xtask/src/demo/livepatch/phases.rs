//! The kernel's messages before the payload is applied, while it is applied, and after it is reverted.

use qemu_tests::LogLine;

/// The parts of a log.
pub(super) struct Phases<'a> {
    /// Before and after livepatching.
    pub(super) rest: Vec<LogLine>,
    /// While the payload is not loaded, applied, and reverted.
    pub(super) said: [Vec<&'a str>; 3],
    /// The result of each operation, `ok` or the reason of a refusal.
    pub(super) results: Vec<(&'a str, &'a str)>,
    /// Other words about livepatching: the key, and the rest of the line.
    notes: Vec<(usize, &'a str)>,
}

/// The commands after which another phase begins.
const TURNS: [&str; 2] = ["apply:0", "revert:0"];

impl<'a> Phases<'a> {
    /// Reads the log of a run.
    pub(super) fn read(log: &'a [LogLine]) -> Self {
        let mut phases = Self {
            rest: Vec::new(),
            said: Default::default(),
            results: Vec::new(),
            notes: Vec::new(),
        };
        let mut is_inside = false;
        let mut phase = 0;
        for line in log {
            let message = line.message.as_str();
            match message {
                "livepatch begin" => is_inside = true,
                "livepatch end" => is_inside = false,
                _ if !is_inside => phases.rest.push(line.clone()),
                _ => match message.strip_prefix("livepatch ") {
                    Some(note) => match note.split_once(": ") {
                        Some((command, result)) => {
                            phase += usize::from(TURNS.get(phase) == Some(&command));
                            phases.results.push((command, result));
                        }
                        None => phases.notes.push((phase, note)),
                    },
                    None => phases.said[phase].push(message),
                },
            }
        }
        phases
    }

    /// The kernel's lines with this first word, in each phase.
    pub(super) fn notes(&self, key: &str) -> [Vec<&'a str>; 3] {
        [0, 1, 2].map(|phase| {
            let here = self.notes.iter().filter(|(other, _)| *other == phase);
            here.filter_map(|(_, note)| note.strip_prefix(key)?.strip_prefix(' '))
                .collect()
        })
    }

    /// The first operation that was refused, and why.
    pub(super) fn refused(&self) -> Option<(&'a str, &'a str)> {
        self.results
            .iter()
            .find(|(_, result)| *result != "ok")
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_divided_by_what_is_applied() {
        let log: Vec<_> = [
            "boot",
            "livepatch begin",
            "hello",
            "livepatch word 0x8 1",
            "livepatch load:0: ok",
            "livepatch apply:0: ok",
            "good day",
            "livepatch word 0x8 2",
            "livepatch revert:0: a call: of it",
            "hello",
            "livepatch end",
            "off",
        ]
        .map(|message| LogLine {
            level: None,
            message: message.into(),
        })
        .into();
        let phases = Phases::read(&log);
        assert_eq!(
            phases.said,
            [vec!["hello"], vec!["good day"], vec!["hello"]]
        );
        assert_eq!(phases.notes("word"), [vec!["0x8 1"], vec!["0x8 2"], vec![]]);
        assert_eq!(phases.refused(), Some(("revert:0", "a call: of it")));
        let rest: Vec<_> = phases
            .rest
            .iter()
            .map(|line| line.message.as_str())
            .collect();
        assert_eq!(rest, ["boot", "off"]);
    }
}
