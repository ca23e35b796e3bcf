//! Litmus tests of the patching sequence: scenarios, the answers of Arm's memory model, and a
//! comparison of the routines in an image with the scenarios.
//!
//! A scenario is a file of `qemu-tests/litmus` that herd7 can read. Each line of `answers.txt`
//! there has the model's answers for one scenario, complete or with one change, on systems whose
//! caches need more or fewer steps.

mod program;
mod routines;

pub use program::Program;
pub use routines::{Branches, paths, routines_are_those_of_the_scenarios};

use std::fmt;

/// The scenarios, by name.
const SCENARIOS: [(&str, &str); 9] = [
    ("self", include_str!("../../litmus/self.litmus")),
    ("held", include_str!("../../litmus/held.litmus")),
    ("early", include_str!("../../litmus/early.litmus")),
    ("late", include_str!("../../litmus/late.litmus")),
    ("two-words", include_str!("../../litmus/two-words.litmus")),
    ("again", include_str!("../../litmus/again.litmus")),
    ("module", include_str!("../../litmus/module.litmus")),
    ("any-after", include_str!("../../litmus/any-after.litmus")),
    ("any-before", include_str!("../../litmus/any-before.litmus")),
];

const ANSWERS: &str = include_str!("../../litmus/answers.txt");

/// The requirements of the caches, by CTR_EL0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caches {
    /// No clean of the data cache is needed.
    pub idc: bool,
    /// No invalidation of the instruction cache is needed.
    pub dic: bool,
}

impl Caches {
    /// In the order of the columns of `answers.txt`.
    pub const ALL: [Self; 4] = [
        Self {
            idc: false,
            dic: false,
        },
        Self {
            idc: true,
            dic: false,
        },
        Self {
            idc: false,
            dic: true,
        },
        Self {
            idc: true,
            dic: true,
        },
    ];

    /// The value of herd7's key `CacheType`, and the name for a reader.
    pub fn name(self) -> &'static str {
        match (self.idc, self.dic) {
            (false, false) => "neither",
            (true, false) => "IDC",
            (false, true) => "DIC",
            (true, true) => "IDC DIC",
        }
    }
}

/// An answer of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// No execution has the outcome of the scenario.
    Forbidden,
    /// Some execution has that outcome.
    Allowed,
    /// An instruction is modified while it may be executed, and is not one that allows it.
    Conflict,
}

impl Answer {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "forbidden" => Some(Self::Forbidden),
            "allowed" => Some(Self::Allowed),
            "conflict" => Some(Self::Conflict),
            _ => None,
        }
    }

    /// Reads the output of herd7 about one test.
    pub fn observed(output: &str) -> Option<Self> {
        if output
            .lines()
            .any(|line| line == "Flag violates-CMODX-requirements")
        {
            return Some(Self::Conflict);
        }
        let mut lines = output.lines();
        let observation = lines.find_map(|line| line.strip_prefix("Observation "))?;
        match observation.split_whitespace().nth(1)? {
            "Never" => Some(Self::Forbidden),
            "Sometimes" | "Always" => Some(Self::Allowed),
            _ => None,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Forbidden => "forbidden",
            Self::Allowed => "allowed",
            Self::Conflict => "conflict",
        })
    }
}

/// One test: a scenario with at most one change, on one kind of system.
#[derive(Clone, Debug)]
pub struct Test {
    /// The scenario's name.
    pub scenario: &'static str,
    /// `complete`, or the change: `P0 without ISB`.
    pub change: &'static str,
    /// The system.
    pub caches: Caches,
    /// The recorded answer of the model.
    pub expected: Answer,
    program: Program,
}

impl Test {
    /// The text for herd7, under this name.
    pub fn text(&self, name: &str) -> String {
        self.program.text(name, self.caches)
    }
}

/// A scenario as P0 and P1 execute it on a system, unchanged.
///
/// # Errors
/// The scenario is missing or damaged.
pub fn scenario(name: &str, caches: Caches) -> Result<Program, String> {
    let mut all = SCENARIOS.iter();
    let (_, text) = all
        .find(|(known, _)| *known == name)
        .ok_or_else(|| format!("there is no scenario {name}"))?;
    let program = Program::parse(text).map_err(|why| format!("{name}.litmus: {why}"))?;
    Ok(match caches.dic {
        true => program.without_invalidation(),
        false => program,
    })
}

/// All tests, in the order of `answers.txt`.
///
/// # Errors
/// A line of it is damaged, or names an instruction that its scenario does not contain.
pub fn all() -> Result<Vec<Test>, String> {
    let mut tests = Vec::new();
    let lines = (1..).zip(ANSWERS.lines());
    let rows = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    for (number, line) in rows.skip(1) {
        let at = |why: String| format!("line {number} of answers.txt: {why}");
        let columns: Vec<_> = line.split('|').map(str::trim).collect();
        let [scenario_name, change, answers @ ..] = &columns[..] else {
            return Err(at(
                "a scenario, a change and four answers are expected".into()
            ));
        };
        if answers.len() != Caches::ALL.len() {
            return Err(at(format!("{} answers instead of four", answers.len())));
        }
        for (caches, answer) in Caches::ALL.into_iter().zip(answers) {
            if *answer == "-" {
                continue;
            }
            let program = scenario(scenario_name, caches).map_err(at)?;
            tests.push(Test {
                scenario: scenario_name,
                change,
                caches,
                expected: Answer::parse(answer)
                    .ok_or_else(|| at(format!("{answer} is no answer")))?,
                program: program.changed(change).map_err(at)?,
            });
        }
    }
    Ok(tests)
}

#[cfg(test)]
mod tests;
