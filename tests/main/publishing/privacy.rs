//! Attacks on averages across publications, rollbacks and holds: a student who asks after each of them.

use super::{done, quiz, quiz_course, settings};
use crate::harness::write_private;
use serde_json::Value;
use std::path::Path;

const STUDENTS: usize = 20;

/// The number and the sum of the marks behind the average that the first student reads.
fn observed(folder: &Path) -> Option<(u64, f64)> {
    let report = done(folder, &["preview", "2300000", "REPORT"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let class = &report["assessments"][0]["class"];
    let (count, mean) = (class["count"].as_u64()?, class["mean"].as_f64()?);
    Some((count, mean * f64::from(u32::try_from(count).unwrap())))
}

#[test]
fn marks_typed_one_by_one_between_rollbacks_and_holds_are_told_to_nobody() {
    let lines = "population_min = 5\npublish = \"on-command\"\nshrink_percent_max = 100";
    let mut marks = [""; STUDENTS];
    marks[0] = "4";
    let folder = quiz_course(&settings(lines), &marks);
    let path = folder.path();
    done(path, &["publish"]);
    let values = ["4", "9", "1", "7", "3", "8", "2", "6", "5", "10"];
    let mut seen = Vec::new();
    for n in 1..STUDENTS {
        marks[n] = values[n % values.len()];
        write_private(&path.join("class.csv"), quiz(&marks));
        done(path, &["publish", "--accept"]);
        seen.extend(observed(path));
        // The mark before it is put on hold, and everything is rolled back and published again.
        let hold = format!("[hold]\n{} = [\"Quiz\"]\n", 2_300_000 + n - 1);
        write_private(&path.join("course.toml"), hold);
        done(path, &["publish", "--accept"]);
        seen.extend(observed(path));
        write_private(&path.join("course.toml"), "");
        if n > 1 {
            done(path, &["rollback", "2"]);
            seen.extend(observed(path));
        }
        done(path, &["publish", "--accept"]);
        seen.extend(observed(path));
    }
    let mut counts: Vec<_> = seen.iter().map(|(count, _)| *count).collect();
    counts.sort_unstable();
    counts.dedup();
    assert!(counts.len() > 1, "statistics were released more than once: {counts:?}");
    for pair in counts.windows(2) {
        assert!(pair[1] - pair[0] >= 5, "one average is told from another one: {counts:?}");
    }
    for count in counts {
        let sums: Vec<_> = seen.iter().filter(|(other, _)| *other == count).collect();
        // A mean has two decimals.
        assert!(sums.iter().all(|(_, sum)| (sum - sums[0].1).abs() < 0.2), "{sums:?}");
    }
}

#[test]
fn a_mark_on_hold_is_in_no_statistic_that_is_released_later() {
    let lines = "population_min = 5\nshrink_percent_max = 100";
    let folder = quiz_course(&settings(lines), &["1", "2", "3", "4", "5", "100"]);
    let path = folder.path();
    write_private(&path.join("course.toml"), "[hold]\n2300005 = \"all\"\n");
    done(path, &["publish"]);
    assert_eq!(observed(path), Some((5, 15.0)));
}
