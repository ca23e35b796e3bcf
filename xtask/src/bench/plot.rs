//! The cost of a pass over the size of its table, as SVG.

use super::{measure::Measured, table::Caps};
use plotters::prelude::*;
use std::{error::Error, path::Path};

/// Instructions per record of Linux 6.12, over its whole table.
const LINUX: f64 = 83.9;

pub(crate) fn write(measured: &Measured, path: &Path) -> Result<(), Box<dyn Error>> {
    let series = Caps::ALL.map(|caps| {
        let cases = measured.cases.iter().filter(move |case| case.caps == caps);
        let points: Vec<_> = cases
            .map(|case| (case.records as f64, case.total() as f64))
            .collect();
        (caps, points)
    });
    draw(&series, path).map_err(|problem| format!("{}: {problem}", path.display()).into())
}

type Points = Vec<(f64, f64)>;

fn draw(series: &[(Caps, Points)], path: &Path) -> Result<(), Box<dyn Error>> {
    let largest = |pick: fn(&(f64, f64)) -> f64| {
        let points = series.iter().flat_map(|(_, points)| points);
        points.map(pick).fold(1.0, f64::max)
    };
    let (most_records, most_instructions) = (largest(|p| p.0), largest(|p| p.1));
    let top = most_instructions.max(LINUX * most_records);

    let area = SVGBackend::new(path, (800, 500)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("Plan, commit and verification", ("sans-serif", 20))
        .margin(15)
        .x_label_area_size(40)
        .y_label_area_size(80)
        .build_cartesian_2d(
            (8.0..1.3 * most_records).log_scale(),
            (100.0..2.0 * top).log_scale(),
        )?;
    chart
        .configure_mesh()
        .x_desc("records in the table")
        .y_desc("instructions")
        .x_label_formatter(&|x| format!("{x}"))
        .y_label_formatter(&|y| format!("{y}"))
        .draw()?;
    let colours = [BLUE, GREEN, MAGENTA];
    for ((caps, points), colour) in series.iter().zip(colours) {
        let name = format!("{} cpucaps present", caps.name());
        chart
            .draw_series(LineSeries::new(points.iter().copied(), &colour).point_size(3))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour));
    }
    let linux = [10.0, most_records].map(|records| (records, LINUX * records));
    chart
        .draw_series(LineSeries::new(linux, &RED))?
        .label("Linux 6.12, 83.9 per record")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 20, y)], RED));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .border_style(BLACK)
        .background_style(WHITE)
        .draw()?;
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plot_shows_each_series_and_is_svg() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("plot.svg");
        let points = vec![(10.0, 500.0), (1_000.0, 40_000.0)];
        draw(&[(Caps::Most, points.clone()), (Caps::None, points)], &path).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
        for text in ["most cpucaps present", "none cpucaps present", "Linux 6.12"] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(svg.matches("<polyline").count() >= 3);
    }

    #[test]
    fn place_that_cannot_be_written_is_named() {
        let path = Path::new("/no/such/directory/plot.svg");
        let measured = Measured {
            peers: Vec::new(),
            cases: Vec::new(),
            bytes: super::super::bytes::Bytes {
                rows: Vec::new(),
                branch_record: 8,
            },
        };
        let error = write(&measured, path).unwrap_err().to_string();
        assert!(error.contains("/no/such/directory/plot.svg"), "{error}");
    }
}
