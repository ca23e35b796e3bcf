//! Progress: the current step, its number and the elapsed time.

use crate::style;
use std::time::{Duration, Instant};

/// The steps of a task, in order; each is printed when it begins.
pub(super) struct Steps {
    begin: Instant,
    done: usize,
    all: usize,
}

impl Steps {
    /// Starts the count and the time.
    pub(super) fn new(all: usize) -> Self {
        Self {
            begin: Instant::now(),
            done: 0,
            all,
        }
    }

    /// Prints that the next step begins.
    pub(super) fn begin(&mut self, name: &str) {
        self.done += 1;
        let line = line(self.done, self.all, name, self.begin.elapsed());
        anstream::eprintln!("\n{}", style::heading(line));
    }
}

fn line(number: usize, all: usize, name: &str, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    format!("[{number}/{all}] {name} ({minutes}:{seconds:02} elapsed)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_has_place_name_and_time() {
        let after = Duration::from_millis(125_900);
        assert_eq!(line(3, 9, "doc", after), "[3/9] doc (2:05 elapsed)");
    }
}
