//! Whether cost grows in proportion to the table.

/// The straight line that is nearest to some points, by least squares of the relative residuals, so
/// that each size has the same weight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// Instructions per record.
    pub(crate) slope: f64,
    /// Instructions of an empty table.
    pub(crate) offset: f64,
    /// The largest distance of a point from the line, relative to the point.
    pub(crate) residual: f64,
}

pub(crate) fn line(points: &[(f64, f64)]) -> Line {
    // With weights 1/y².
    let sum = |term: &dyn Fn(f64, f64) -> f64| -> f64 {
        points.iter().map(|&(x, y)| term(x, y) / (y * y)).sum()
    };
    let (n, x, y) = (sum(&|_, _| 1.0), sum(&|x, _| x), sum(&|_, y| y));
    let (xx, xy) = (sum(&|x, _| x * x), sum(&|x, y| x * y));
    let slope = (n * xy - x * y) / (n * xx - x * x);
    let offset = (y - slope * x) / n;
    let residual = points
        .iter()
        .map(|&(x, y)| ((slope * x + offset - y) / y).abs())
        .fold(0.0, f64::max);
    Line {
        slope,
        offset,
        residual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_on_a_line_have_no_residual() {
        let fit = line(&[(10.0, 130.0), (100.0, 400.0), (1_000.0, 3_100.0)]);
        assert!((fit.slope - 3.0).abs() < 1e-9, "{fit:?}");
        assert!((fit.offset - 100.0).abs() < 1e-6, "{fit:?}");
        assert!(fit.residual < 1e-9, "{fit:?}");
    }

    #[test]
    fn quadratic_growth_shows() {
        let square = |x: f64| (x, x * x);
        let fit = line(&[10.0, 100.0, 1_000.0, 10_000.0].map(square));
        assert!(fit.residual > 0.5, "{fit:?}");
    }
}
