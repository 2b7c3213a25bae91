//! Percentile curves as SVG: how many masks are faster than so many microseconds, tails stretched.
//!
//! The horizontal axis is the share of calls, spread so that p50, p90, p99 and p99.9 are as far from
//! each other; the vertical axis is logarithmic. A lower curve is faster.

use crate::report::Contender;
use crate::stats::SERIES;
use anyhow::anyhow;
use plotters::prelude::*;
use std::path::Path;

/// Where a share stands on the axis: 0 for none, 1 for 90 %, 2 for 99 %.
fn nines(share: f64) -> f64 {
    -(1.0 - share).log10()
}

const COLOURS: [RGBColor; 6] = [
    RGBColor(0x1f, 0x77, 0xb4),
    RGBColor(0xd6, 0x27, 0x28),
    RGBColor(0x2c, 0xa0, 0x2c),
    RGBColor(0xff, 0x7f, 0x0e),
    RGBColor(0x94, 0x67, 0xbd),
    RGBColor(0x8c, 0x56, 0x4b),
];

/// Points of one curve: at most a few hundred, dense in the tail.
fn curve(sorted: &[u64], end: f64) -> Vec<(f64, f64)> {
    let last = sorted.len().saturating_sub(1);
    let steps = 240;
    (0..=steps)
        .filter_map(|i| {
            let x = end * f64::from(i) / f64::from(steps);
            let share = 1.0 - 10f64.powf(-x);
            let at = (last as f64 * share) as usize;
            Some((x, *sorted.get(at)? as f64 / 1e3))
        })
        .collect()
}

/// Writes one file for each of first mask, mask and TBM into a folder, over all cases of each engine.
pub fn write(folder: &Path, contenders: &[Contender], vocabulary: &str) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (series, label) in SERIES.iter().enumerate() {
        if !["first mask", "mask", "TBM"].contains(label) {
            continue;
        }
        let data: Vec<(&str, Vec<u64>)> = contenders
            .iter()
            .map(|c| (&*c.name, c.totals.series(series, &|_| true)))
            .filter(|(_, values)| !values.is_empty())
            .collect();
        let longest = data.iter().map(|d| d.1.len()).max().unwrap_or(1);
        let end = (longest as f64).log10().clamp(1.0, 4.0);
        let name = format!("{}-{vocabulary}.svg", label.replace(' ', "-"));
        let path = folder.join(name);
        draw(&path, &data, &format!("{label}, {vocabulary}"), end)
            .map_err(|e| anyhow!("{}: {e}", path.display()))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

fn draw(
    path: &Path,
    data: &[(&str, Vec<u64>)],
    title: &str,
    end: f64,
) -> Result<(), Box<dyn std::error::Error>> {
    let curves: Vec<(&str, Vec<(f64, f64)>)> = data
        .iter()
        .map(|(name, v)| (*name, curve(v, end)))
        .collect();
    let values = || curves.iter().flat_map(|c| c.1.iter().map(|p| p.1));
    let top = values().fold(1.0f64, f64::max) * 1.5;
    let bottom = values().fold(top, f64::min).max(0.01) / 1.5;
    let area = SVGBackend::new(path, (760, 460)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..end, (bottom..top).log_scale())?;
    chart
        .configure_mesh()
        .x_labels(5)
        .x_label_formatter(&|x| format!("{}", 100.0 * (1.0 - 10f64.powf(-x))))
        .x_desc("percentile")
        .y_desc("µs")
        .y_label_formatter(&|y| format!("{y}"))
        .light_line_style(WHITE)
        .draw()?;
    for (i, (name, points)) in curves.into_iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    // The median has no tick of its own on the axis of nines.
    chart.draw_series([PathElement::new(
        [(nines(0.5), bottom), (nines(0.5), top)],
        BLACK.mix(0.2).stroke_width(1),
    )])?;
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_ends_in_its_tail() {
        let sorted: Vec<u64> = (1..=1_000).map(|i| i * 1_000).collect();
        let curve = curve(&sorted, 3.0);
        assert_eq!(curve[0], (0.0, 1.0));
        assert_eq!(curve.last().unwrap().1, 999.0);
        assert!((nines(0.99) - 2.0).abs() < 1e-9);
    }
}
