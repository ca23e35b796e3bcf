//! The state of each cpucap on each machine, over all profiles and entries.

use super::grid::machine;
use qemu_tests::results::{Cap, Trial};
use std::collections::BTreeMap;

/// The state of a cpucap on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// The machine lacks it.
    Absent,
    /// It is present, and changes no site of the kernel.
    Detected,
    /// It has changed sites, and a site that names it is wrong.
    Patched,
    /// It has changed sites, and all sites that name it are correct.
    Verified,
}

impl State {
    pub(super) const ALL: [Self; 4] = [Self::Absent, Self::Detected, Self::Patched, Self::Verified];

    /// One word for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Detected => "detected",
            Self::Patched => "patched",
            Self::Verified => "verified",
        }
    }

    fn of(cap: &Cap) -> Self {
        match cap {
            Cap {
                detected: false, ..
            } => Self::Absent,
            Cap { patched: 0, .. } => Self::Detected,
            Cap {
                verified: false, ..
            } => Self::Patched,
            Cap { .. } => Self::Verified,
        }
    }
}

/// A machine and its cpucaps by name, in their own order.
pub(super) type Row = (String, Vec<(String, State)>);

/// The machines whose kernels reached detection. Of several trials, the lowest state counts: a
/// cpucap is verified if it is verified in all.
pub(super) fn rows(trials: &[Trial]) -> Vec<Row> {
    let mut rows = BTreeMap::<String, Vec<(String, State)>>::new();
    for trial in trials.iter().filter(|trial| !trial.caps.is_empty()) {
        let row = rows.entry(machine(trial, trials)).or_default();
        for cap in &trial.caps {
            let state = State::of(cap);
            match row.iter_mut().find(|(name, _)| *name == cap.name) {
                Some((_, least)) => *least = state.min(*least),
                None => row.push((cap.name.clone(), state)),
            }
        }
    }
    rows.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::grid::tests::{OK, trial};
    use super::*;
    use qemu_tests::{Profile, results::Entry};

    fn cap(name: &str, detected: bool, patched: u32, verified: bool) -> Cap {
        Cap {
            name: name.into(),
            detected,
            sites: 4,
            patched,
            verified,
        }
    }

    #[test]
    fn least_of_all_trials_counts() {
        let with = |profile, caps| Trial {
            caps,
            ..trial("max", profile, Entry::El1, OK)
        };
        let trials = [
            with(
                Profile::Dev,
                vec![
                    cap("LSE", true, 4, true),
                    cap("PAN", true, 4, true),
                    cap("SVE", true, 0, true),
                    cap("SME", false, 0, true),
                ],
            ),
            with(Profile::Size, vec![cap("PAN", true, 4, false)]),
            // It did not reach detection.
            trial("a64fx", Profile::Dev, Entry::El1, OK),
        ];
        let row = [
            ("LSE", State::Verified),
            ("PAN", State::Patched),
            ("SVE", State::Detected),
            ("SME", State::Absent),
        ];
        let row = row.map(|(name, state)| (name.to_owned(), state)).to_vec();
        assert_eq!(rows(&trials), [("max".to_owned(), row)]);
    }
}
