//! A table of a document, compared with measured figures.

use crate::LogLine;

/// Largest difference between a figure of the document and a measured one, in percent. Another
/// toolchain compiles the same code to slightly other instructions.
const TOLERANCE: u64 = 5;

/// A table in a block of text, without blank lines in it.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    /// The heading of the section.
    pub section: &'a str,
    /// The first line.
    pub header: &'a str,
}

impl Table<'_> {
    /// Compares the table in `document` with the measured `rows`: words must be equal, numbers may
    /// differ by 5 %.
    ///
    /// # Errors
    /// They differ: the table that the document should have.
    pub fn compare(&self, document: &str, rows: &[String]) -> Result<(), String> {
        let Self { section, header } = self;
        let (_, rest) = document.split_once(section).unwrap_or_default();
        let (_, rest) = rest.split_once(header).unwrap_or_default();
        let stated = rest.lines().skip(1).take_while(|line| *line != "```");
        match is_near_all(stated.collect(), rows) {
            true => Ok(()),
            false => Err(format!(
                "{section} should have:\n{header}\n{}",
                rows.join("\n")
            )),
        }
    }
}

fn is_near_all(stated: Vec<&str>, measured: &[String]) -> bool {
    let is_near = |(stated, measured): (&&str, &String)| {
        let [stated, measured]: [Vec<_>; 2] =
            [*stated, measured].map(|line| line.split_whitespace().collect());
        stated.len() == measured.len() && stated.iter().zip(measured).all(is_near_word)
    };
    stated.len() == measured.len() && stated.iter().zip(measured).all(is_near)
}

fn is_near_word((stated, measured): (&&str, &str)) -> bool {
    match (stated.parse::<u64>(), measured.parse::<u64>()) {
        (Ok(stated), Ok(measured)) => 100 * stated.abs_diff(measured) <= TOLERANCE * measured,
        _ => *stated == measured,
    }
}

/// The numbers of instructions in the log lines with this beginning: `<start><ticks> frequency=<hertz>`, of a
/// machine on which each instruction takes 1 ns (`-icount shift=0`).
pub fn instructions(log: &[LogLine], start: &str) -> Vec<u64> {
    let lines = log
        .iter()
        .filter_map(|line| line.message.strip_prefix(start));
    let instructions = lines.filter_map(|line| {
        let (ticks, frequency) = line.split_once(" frequency=")?;
        let [ticks, frequency] = [ticks, frequency].map(|number| number.parse::<u64>().ok());
        (ticks? * 1_000_000_000).checked_div(frequency?)
    });
    instructions.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_may_be_near() {
        let table = Table {
            section: "## Boot",
            header: "machine  first",
        };
        let document = "# A\n## Boot\n```text\nmachine  first\nmax 100\na76 7\n```\n";
        let rows = |first: &str| vec![format!("max   {first}"), "a76 7".into()];
        assert_eq!(table.compare(document, &rows("103")), Ok(()));
        for other in ["120", "94", "x", "100 1"] {
            assert!(table.compare(document, &rows(other)).is_err(), "{other}");
        }
        assert!(table.compare(document, &rows("100")[..1]).is_err());
        assert!(table.compare("## Other", &rows("100")).is_err());
    }

    #[test]
    fn ticks_become_instructions() {
        let line = |message: &str| LogLine {
            level: None,
            message: message.into(),
        };
        let log = [
            line("cost read ticks=4 frequency=62500000"),
            line("cost detect ticks=5 frequency=1000000000"),
            line("cost read ticks=? frequency=1"),
        ];
        assert_eq!(instructions(&log, "cost read ticks="), [64]);
        assert_eq!(instructions(&log, "cost detect ticks="), [5]);
    }
}
