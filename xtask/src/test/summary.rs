//! Counts, as the test runners print them at the end of a suite.

use std::{fmt, iter::Sum, ops};

/// Number of tests by result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Count {
    /// One test.
    pub(crate) fn one(success: bool) -> Self {
        Self {
            passed: success.into(),
            failed: (!success).into(),
            skipped: 0,
        }
    }

    /// Moves tests from passed to skipped: those that skipped themselves, which pass for the
    /// runner.
    pub(crate) fn skip(&mut self, tests: usize) {
        self.passed = self.passed.saturating_sub(tests);
        self.skipped += tests;
    }

    /// Reads one line of nextest's output; zeros unless it is the summary: `Summary [  3.5s] 9
    /// tests run: 7 passed (1 slow), 2 failed, 1 skipped`.
    pub(crate) fn nextest(line: &str) -> Self {
        let line = anstream::adapter::strip_str(line).to_string();
        let counts = line
            .trim()
            .strip_prefix("Summary [")
            .and_then(|rest| rest.split_once(" run: "));
        counts.map_or_else(Self::default, |(_, counts)| Self::parse(counts))
    }

    /// Reads one line of libtest's output; zeros unless it is the summary of a suite: `test result:
    /// FAILED. 7 passed; 2 failed; 1 ignored; 0 measured; 4 filtered out`.
    pub(crate) fn libtest(line: &str) -> Self {
        let line = anstream::adapter::strip_str(line).to_string();
        let counts = line.trim().strip_prefix("test result: ");
        counts.map_or_else(Self::default, Self::parse)
    }

    /// Adds up numbers by the word after each. Tests that a filter leaves out count as skipped,
    /// because nextest does not distinguish the two.
    fn parse(counts: &str) -> Self {
        let words: Vec<&str> = counts
            .split([' ', ',', ';', '(', ')'])
            .filter(|word| !word.is_empty())
            .collect();
        let mut count = Self::default();
        for pair in words.windows(2) {
            let Ok(number) = pair[0].parse::<usize>() else {
                continue;
            };
            match pair[1] {
                "passed" => count.passed += number,
                "failed" | "timed" => count.failed += number,
                "skipped" | "ignored" | "filtered" => count.skipped += number,
                _ => {}
            }
        }
        count
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

impl ops::Add for Count {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |a, b| a + b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(passed: usize, failed: usize, skipped: usize) -> Count {
        Count {
            passed,
            failed,
            skipped,
        }
    }

    #[test]
    fn nextest_summaries() {
        let parse = Count::nextest;
        assert_eq!(
            parse("     Summary [   3.415s] 32 tests run: 32 passed, 0 skipped\n"),
            count(32, 0, 0)
        );
        assert_eq!(
            parse(
                "     Summary [  61.0s] 9 tests run: 6 passed (1 slow), 2 failed, 1 timed out, 4 skipped"
            ),
            count(6, 3, 4)
        );
        assert_eq!(
            parse("     Summary [   0.448s] 14/32 tests run: 12 passed, 2 failed, 0 skipped"),
            count(12, 2, 0)
        );
        assert_eq!(
            parse(
                "\x1b[32;1m     Summary\x1b[0m [   0.1s] \x1b[1m1\x1b[0m test run: \x1b[1m1\x1b[0m \x1b[32;1mpassed\x1b[0m, \x1b[1m0\x1b[0m skipped"
            ),
            count(1, 0, 0)
        );
    }

    #[test]
    fn libtest_summaries() {
        assert_eq!(
            Count::libtest(
                "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.16s"
            ),
            count(3, 0, 5)
        );
        assert_eq!(
            Count::libtest(
                "test result: FAILED. 7 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out"
            ),
            count(7, 2, 0)
        );
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in [
            "",
            "test a ... ok",
            "9 passed",
            "warning: 3 failed to run: 2 failed",
        ] {
            assert_eq!(Count::nextest(line), Count::default(), "{line}");
            assert_eq!(Count::libtest(line), Count::default(), "{line}");
        }
        // nextest shows the output of a test that failed, which has a summary of its own.
        let inner = "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 13 filtered out";
        assert_eq!(Count::nextest(inner), Count::default());
    }

    #[test]
    fn closing_line() {
        let mut total: Count = [count(5, 0, 1), Count::one(true), Count::one(false)]
            .into_iter()
            .sum();
        total.skip(2);
        assert_eq!(total.to_string(), "4 passed, 1 failed, 3 skipped");
    }
}
