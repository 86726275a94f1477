//! A backtest as a picture: day by day, how many outcomes would have become stricter (above the line) and looser (below).

use crate::backtest::{Backtest, DayCount, grouped};
use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea as _};
use plotters::element::{PathElement, Rectangle, Text};
use plotters::style::{BLACK, Color as _, IntoFont as _, RGBColor, TextStyle, WHITE};
use rescind_model::BusinessDay;

/// Pixels.
const WIDTH: u32 = 1_000;
const HEIGHT: u32 = 420;
const LEFT: i32 = 80;
const RIGHT: i32 = 980;
const TOP: i32 = 60;
const BOTTOM: i32 = 370;

/// Bars at most; more days share a bar.
const BARS: usize = 180;

const STRICTER: RGBColor = RGBColor(190, 50, 40);
const LOOSER: RGBColor = RGBColor(40, 130, 70);
const PALE: RGBColor = RGBColor(200, 200, 200);

/// Why there is no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the picture cannot be drawn: {0}")]
pub struct CannotPlot(String);

/// Where is drawn, in pixels.
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Days that share a bar.
struct Bar {
    first: BusinessDay,
    count: DayCount,
}

/// The picture as SVG.
///
/// # Errors
/// The drawing library refuses.
pub fn svg(backtest: &Backtest, policy: &str) -> Result<String, CannotPlot> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        draw(&area, backtest, policy).map_err(CannotPlot)?;
        area.present().map_err(|error| CannotPlot(error.to_string()))?;
    }
    Ok(svg)
}

fn bars(backtest: &Backtest) -> Vec<Bar> {
    let a_bar = backtest.days.len().div_ceil(BARS).max(1);
    let days: Vec<(&BusinessDay, &DayCount)> = backtest.days.iter().collect();
    let bar = |days: &[(&BusinessDay, &DayCount)]| {
        let (first, _) = days.first()?;
        let mut count = DayCount::default();
        for (_, day) in days {
            count.records = count.records.saturating_add(day.records);
            count.stricter = count.stricter.saturating_add(day.stricter);
            count.looser = count.looser.saturating_add(day.looser);
        }
        Some(Bar { first: **first, count })
    };
    days.chunks(a_bar).filter_map(bar).collect()
}

fn draw(area: &Area<'_>, backtest: &Backtest, policy: &str) -> Result<(), String> {
    let failed = |error: &dyn core::fmt::Display| error.to_string();
    area.fill(&WHITE).map_err(|e| failed(&e))?;
    let words = |text: String, at: (i32, i32), size: i32, colour: RGBColor| {
        let style: TextStyle<'_> = ("sans-serif", size).into_font().color(&colour);
        area.draw(&Text::new(text, at, style)).map_err(|e| failed(&e))
    };
    let black = RGBColor(BLACK.0, BLACK.1, BLACK.2);
    let title = format!(
        "{policy}: {} of {} decisions come out otherwise",
        grouped(backtest.changed),
        grouped(backtest.records)
    );
    words(title, (LEFT, 12), 18, black)?;
    words("stricter".to_owned(), (LEFT, 38), 13, STRICTER)?;
    words("looser".to_owned(), (LEFT.saturating_add(70), 38), 13, LOOSER)?;

    let bars = bars(backtest);
    let highest = bars.iter().map(|bar| bar.count.stricter).max().unwrap_or(0);
    let lowest = bars.iter().map(|bar| bar.count.looser).max().unwrap_or(0);
    let span = highest.saturating_add(lowest).max(1);
    let height = u64::try_from(BOTTOM.saturating_sub(TOP)).unwrap_or(0);
    let pixels = |count: u64| {
        let tall = count.saturating_mul(height).checked_div(span).unwrap_or(0);
        i32::try_from(tall).unwrap_or(0)
    };
    let line = TOP.saturating_add(pixels(highest));
    for (count, y) in [(highest, TOP), (0, line), (lowest, BOTTOM)] {
        let path = vec![(LEFT, y), (RIGHT, y)];
        area.draw(&PathElement::new(path, PALE)).map_err(|e| failed(&e))?;
        words(grouped(count), (8, y.saturating_sub(7)), 13, black)?;
    }
    let width = RIGHT.saturating_sub(LEFT);
    let number = i32::try_from(bars.len()).unwrap_or(1).max(1);
    for (index, bar) in (0_i32..).zip(&bars) {
        let edge = |index: i32| LEFT.saturating_add(width.saturating_mul(index).checked_div(number).unwrap_or(0));
        let (from, to) = (edge(index), edge(index.saturating_add(1)).saturating_sub(1));
        let up = (line.saturating_sub(pixels(bar.count.stricter)), line, STRICTER);
        let down = (line, line.saturating_add(pixels(bar.count.looser)), LOOSER);
        for (top, bottom, colour) in [up, down] {
            if top < bottom {
                area.draw(&Rectangle::new([(from, top), (to, bottom)], colour.filled())).map_err(|e| failed(&e))?;
            }
        }
        let labelled = index.checked_rem(number.div_euclid(6).max(1)) == Some(0);
        if labelled {
            words(bar.first.to_string(), (from, BOTTOM.saturating_add(16)), 12, black)?;
        }
    }
    Ok(())
}
