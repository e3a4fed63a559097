//! Drawings for people at a terminal: the class as bars, with the student's own mark on them.

use serde_json::Value;

use super::marks::{readable_line, text};
use crate::redact::escape;

/// The longest bar of a histogram, in characters.
const BAR_CHARS_MAX: usize = 40;

/// The characters beside the longest bar: edges, count, own mark.
const BESIDE_CHARS: usize = 36;

/// The places on the scale of a small bar.
const SCALE_PLACES: u8 = 11;

/// A line for each bin: its edges, a bar, its count, and the student's mark where it lies.
pub(super) fn histogram(line: &Value, columns: usize) -> Option<String> {
    let bins = line.get("class")?.get("histogram")?.as_array()?;
    let most = bins.iter().filter_map(|bin| bin.get("count")?.as_u64()).max()?.max(1);
    let bar_chars = BAR_CHARS_MAX.min(columns.saturating_sub(BESIDE_CHARS)).max(1);
    let edges: Vec<_> =
        bins.iter().map(|bin| (text(bin.get("from")), text(bin.get("to")))).collect();
    let widest = edges.iter().map(|(from, to)| from.len().max(to.len())).max()?;
    let own = line.get("mark").and_then(Value::as_f64);
    let mut drawn = Vec::new();
    let mut is_marked = false;
    for (n, (bin, (from, to))) in bins.iter().zip(&edges).enumerate() {
        let count = bin.get("count").and_then(Value::as_u64).unwrap_or_default();
        let bar = "\u{2588}".repeat(scaled(count, most, bar_chars));
        let is_last = n + 1 == bins.len();
        let holds_own = !is_marked && own.is_some_and(|own| is_in(own, bin, is_last));
        is_marked |= holds_own;
        let own = if holds_own {
            format!("  \u{25c4} you: {}", readable_line(line))
        } else {
            String::new()
        };
        let line = format!("{from:>widest$} to {to:>widest$}  {bar} {count}{own}");
        drawn.push(escape(&line).into_owned());
    }
    Some(drawn.join("\n"))
}

/// Returns true if a mark lies in a bin. Neighbouring bins share an edge, which belongs to the upper one.
fn is_in(mark: f64, bin: &Value, is_last: bool) -> bool {
    let edge = |name: &str| bin.get(name).and_then(Value::as_f64);
    match (edge("from"), edge("to")) {
        (Some(from), Some(to)) if from < to && !is_last => (from..to).contains(&mark),
        (Some(from), Some(to)) => (from..=to).contains(&mark),
        _ => false,
    }
}

/// A count as a length, at least 1 if there is anything.
fn scaled(count: u64, most: u64, chars: usize) -> usize {
    let chars = u64::try_from(chars).unwrap_or(u64::MAX);
    let length = count.saturating_mul(chars).div_ceil(most.max(1));
    usize::try_from(length).unwrap_or_default()
}

/// The scale from 0 to the full result on one line: `──│────●───`, with a stroke at the mean and a dot at the student's
/// mark. Nothing if the full result or the mean is not known.
pub(super) fn small_bar(line: &Value) -> String {
    let number = |value: Option<&Value>| value.and_then(Value::as_f64);
    let class = line.get("class");
    // A mean of figures that were drawn with another full result lies on another scale.
    let is_other = class.and_then(|class| class.get("out_of")).is_some();
    let out_of = number(line.get("out_of")).filter(|out_of| *out_of > 0.0 && !is_other);
    let Some(out_of) = out_of else { return String::new() };
    let Some(mean) = number(class.and_then(|class| class.get("mean"))) else {
        return String::new();
    };
    let last = f64::from(SCALE_PLACES - 1);
    let place = |value: f64| (value / out_of * last).round().clamp(0.0, last);
    let (mean, own) = (place(mean), number(line.get("mark")).map(place));
    let scale = (0..SCALE_PLACES).map(f64::from).map(|at| {
        let is_mean = (at - mean).abs() < 0.5;
        let is_own = own.is_some_and(|own| (at - own).abs() < 0.5);
        match (is_mean, is_own) {
            (true, true) => '\u{25c6}',
            (false, true) => '\u{25cf}',
            (true, false) => '\u{2502}',
            (false, false) => '\u{2500}',
        }
    });
    scale.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_histogram_shows_each_bin_and_the_student_s_mark_once() {
        let bin = |from: u32, to: u32, count: u32| json!({"from": from, "to": to, "count": count});
        let line = json!({"assessment": "Lab 1", "mark": 5, "status": "number", "out_of": 10,
                          "class": {"histogram": [bin(0, 5, 2), bin(5, 10, 8)]}});
        assert_eq!(
            histogram(&line, 44).unwrap(),
            " 0 to  5  \u{2588}\u{2588} 2\n \
             5 to 10  \u{2588}\u{2588}\u{2588}\u{2588}\u{2588}\u{2588}\u{2588}\u{2588} 8  \u{25c4} you: 5 / 10"
        );
        let exact = json!({"mark": 7, "status": "number",
                           "class": {"histogram": [bin(3, 3, 1), bin(7, 7, 1), bin(9, 9, 0)]}});
        let drawn = histogram(&exact, 40).unwrap();
        assert!(drawn.lines().nth(1).unwrap().ends_with("you: 7"), "{drawn}");
        assert!(histogram(&json!({"class": {"withheld": "no marks yet"}}), 80).is_none());
    }

    #[test]
    fn a_small_bar_has_a_stroke_at_the_mean_and_a_dot_at_the_mark() {
        let line =
            |mark: Value, mean: Value| json!({"mark": mark, "out_of": 10, "class": {"mean": mean}});
        assert_eq!(small_bar(&line(json!(9), json!(5.4))), "─────│───●─");
        assert_eq!(small_bar(&line(Value::Null, json!(0))), "│──────────");
        assert_eq!(small_bar(&line(json!(10), json!(9.8))), "──────────◆");
        assert_eq!(small_bar(&line(json!(12), json!(5))), "─────│────●", "a bonus");
        assert_eq!(small_bar(&json!({"mark": 3, "out_of": 10, "class": {"withheld": "x"}})), "");
        assert_eq!(small_bar(&json!({"mark": 3, "class": {"mean": 2}})), "");
        let other = json!({"mark": 3, "out_of": 20, "class": {"mean": 2, "out_of": 10}});
        assert_eq!(small_bar(&other), "", "another scale");
    }
}
