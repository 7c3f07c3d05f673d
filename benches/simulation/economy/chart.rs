//! The picture: how many actions were not done yet, minute by minute.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use super::Row;
use super::trace::Action;

const COLOURS: [RGBColor; 5] = [
    RGBColor(190, 60, 50),
    RGBColor(120, 160, 215),
    RGBColor(70, 110, 180),
    RGBColor(140, 195, 150),
    RGBColor(60, 140, 90),
];

/// Draws one line a way, and a dashed one for the oracle of the last.
pub fn draw(path: &Path, title: &str, trace: &[Action], rows: &[Row]) -> Result<(), Box<dyn Error>> {
    let end = rows.iter().map(|row| row.outcome.end).max().unwrap_or_default();
    let lines: Vec<Vec<(f64, f64)>> = rows.iter().map(|row| open(trace, &row.outcome.delays, end)).collect();
    let most = lines.iter().flatten().map(|(_, open)| *open).fold(1.0, f64::max);
    let area = SVGBackend::new(path, (900, 460)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(format!("Actions not done yet: {title}"), ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..end as f64 / 60_000.0, (0.5..most * 1.5).log_scale())?;
    chart.configure_mesh().x_desc("minutes").y_desc("actions (logarithmic)").light_line_style(WHITE).draw()?;
    for ((row, line), colour) in rows.iter().zip(lines).zip(COLOURS) {
        let label = format!("{}: {} calls", row.name, row.outcome.calls);
        let series = LineSeries::new(line, colour.stroke_width(2));
        chart
            .draw_series(series)?
            .label(label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3)));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .position(SeriesLabelPosition::UpperLeft)
        .draw()?;
    area.present()?;
    Ok(())
}

/// Minute by minute, how many actions had come and were not done.
fn open(trace: &[Action], delays: &[i64], end: i64) -> Vec<(f64, f64)> {
    let came: Vec<i64> = trace.iter().map(|action| action.at).collect();
    let mut done: Vec<i64> = trace.iter().zip(delays).map(|(action, delay)| action.at + delay).collect();
    done.sort_unstable();
    let count = |times: &[i64], at: i64| times.partition_point(|time| *time <= at) as f64;
    (0..=end / 60_000)
        .map(|minute| minute * 60_000)
        .map(|at| (at as f64 / 60_000.0, (count(&came, at) - count(&done, at)).max(0.5)))
        .collect()
}
