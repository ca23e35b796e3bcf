//! The cost of a pass over the size of its table, as SVG: the measured points, and the straight line
//! that is nearest to it, on scales of powers of ten.

use super::{fit, guest::CPU, measure::Measured, table::Caps};
use plotters::prelude::*;
use std::{error::Error, path::Path};

/// Linux 6.12: records of its table, and instructions per record over all of it.
const LINUX: (f64, f64) = (24_858.0, 83.9);
const LINUX_COLOUR: RGBColor = RGBColor(213, 94, 0);
/// Colours that colour-blind readers can distinguish.
const COLOURS: [RGBColor; 3] = [
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(110, 110, 110),
];

/// Pixels from one label to the next.
const LINE: i32 = 17;

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
    let linux = (LINUX.0, LINUX.0 * LINUX.1);
    let points = || series.iter().flat_map(|(_, points)| points);
    let (last, top) = points().fold(linux, |most, point| {
        (most.0.max(point.0), most.1.max(point.1))
    });
    let least = points().map(|point| point.1).fold(top, f64::min).max(1.0);
    let bottom = 10_f64.powf(least.log10().floor());

    let area = SVGBackend::new(path, (960, 520)).into_drawing_area();
    area.fill(&WHITE)?;
    let title = format!("Plan, commit and verification on {CPU}, release profile");
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18))
        .margin(20)
        .margin_right(250)
        .x_label_area_size(45)
        .y_label_area_size(85)
        .build_cartesian_2d(
            (8.0..1.15 * last).log_scale(),
            (bottom..1.5 * top).log_scale(),
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .axis_style(BLACK.mix(0.5))
        .label_style(("sans-serif", 13))
        .x_desc("records in the table")
        .y_desc("instructions")
        .x_label_formatter(&|x| grouped(*x))
        .y_label_formatter(&|y| grouped(*y))
        .draw()?;

    let mut labels = Vec::new();
    for ((caps, points), colour) in series.iter().zip(COLOURS) {
        let fit = fit::line(points);
        let name = match caps {
            Caps::None => "no",
            other => other.name(),
        };
        let text = format!(
            "{name} cpucaps: {:.1} per record + {}",
            fit.slope,
            grouped(fit.offset)
        );
        let at = |records: f64| (records, fit.slope * records + fit.offset);
        // A straight line is a curve on these scales, so it is drawn in steps; with smaller steps,
        // whole pixels would be visible.
        let steps = (0..=24).map(|step| at(10.0 * (last / 10.0).powf(f64::from(step) / 24.0)));
        chart.draw_series(LineSeries::new(steps, colour.stroke_width(2)))?;
        chart.draw_series(
            points
                .iter()
                .map(|point| Circle::new(*point, 4, colour.filled())),
        )?;
        labels.push((chart.backend_coord(&at(last)), text, colour));
    }
    chart.draw_series([Cross::new(linux, 5, LINUX_COLOUR.stroke_width(2))])?;
    let text = format!("Linux 6.12: {} per record", LINUX.1);
    labels.push((chart.backend_coord(&linux), text, LINUX_COLOUR));

    // From top to bottom, without overlaps.
    labels.sort_by_key(|((_, y), ..)| *y);
    let mut free = 0;
    for ((x, y), text, colour) in labels {
        let y = (y - LINE / 2).max(free);
        free = y + LINE;
        let style = ("sans-serif", 13).into_font().color(&colour);
        area.draw(&Text::new(text, (x + 12, y), style))?;
    }
    area.present()?;
    Ok(())
}

/// A whole number, with a comma between thousands.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plot_shows_each_series_and_is_svg() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("plot.svg");
        let most = vec![(10.0, 500.0), (1_000.0, 40_100.0)];
        let none = vec![(10.0, 1_300.0), (1_000.0, 4_270.0)];
        draw(&[(Caps::Most, most), (Caps::None, none)], &path).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
        for text in [
            "most cpucaps: 40.0 per record + 100",
            "no cpucaps: 3.0 per record + 1,270",
            "Linux 6.12: 83.9 per record",
        ] {
            assert!(svg.contains(text), "{text}");
        }
        // A dot for each measurement, a line for each series.
        assert_eq!(svg.matches("<circle").count(), 4);
        for colour in ["#0072B2", "#009E73"] {
            let lines = svg.matches("<polyline").count();
            assert!(lines >= 2 && svg.contains(colour), "{colour}");
        }
    }

    #[test]
    fn thousands_are_told_apart() {
        for (number, text) in [
            (0.4, "0"),
            (999.0, "999"),
            (1_000.0, "1,000"),
            (25_000.0, "25,000"),
            (1_234_567.2, "1,234,567"),
            (-150.0, "-150"),
            (-1_500.0, "-1,500"),
        ] {
            assert_eq!(grouped(number), text);
        }
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
