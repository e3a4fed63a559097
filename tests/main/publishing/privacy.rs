//! Attacks on averages across publications, rollbacks and holds: a student who asks after each of them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{done, quiz, quiz_course, settings};
use crate::harness::write_private;

const STUDENTS: usize = 20;

/// The number of marks behind the average that the first student reads, and the average.
fn observed(folder: &Path) -> Option<(u64, String)> {
    let report = done(folder, &["preview", "2300000", "REPORT"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let class = &report["assessments"][0]["class"];
    Some((class["count"].as_u64()?, class["mean"].to_string()))
}

#[test]
fn marks_typed_one_by_one_between_rollbacks_and_holds_are_drawn_in_batches_once() {
    let lines = "statistics = \"private\"\npopulation_min = 5\nprivacy_budget = 8\npublish = \"on-command\"";
    let mut marks = [""; STUDENTS];
    marks[0] = "4";
    let folder = quiz_course(&settings(lines), &marks);
    let path = folder.path();
    let course =
        |hold: &str| write_private(&path.join("course.toml"), format!("out_of = 10\n{hold}"));
    course("");
    done(path, &["publish", "--accept"]);
    let values = ["4", "9", "1", "7", "3", "8", "2", "6", "5", "10"];
    let mut seen = Vec::new();
    for n in 1..STUDENTS {
        marks[n] = values[n % values.len()];
        write_private(&path.join("class.csv"), quiz(&marks));
        done(path, &["publish"]);
        seen.extend(observed(path));
        // The mark before it is put on hold, and everything is rolled back and published again.
        course(&format!("[hold]\n{} = [\"Quiz\"]\n", 2_300_000 + n - 1));
        done(path, &["publish"]);
        seen.extend(observed(path));
        course("");
        if n > 1 {
            done(path, &["rollback", "2"]);
            seen.extend(observed(path));
        }
        done(path, &["publish", "--accept"]);
        seen.extend(observed(path));
    }
    let mut means: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for (count, mean) in seen {
        means.entry(count).or_default().push(mean);
    }
    for (count, means) in &mut means {
        means.dedup();
        assert_eq!(means.len(), 1, "the figures of {count} marks were drawn once: {means:?}");
    }
    let counts: Vec<_> = means.keys().copied().collect();
    assert_eq!(counts, [5, 10, 15, 20], "marks are released in batches of five");
}

#[test]
fn a_mark_on_hold_is_in_no_statistic_that_is_released_later() {
    let folder = quiz_course(&settings("population_min = 5"), &["1", "2", "3", "4", "5", "100"]);
    let path = folder.path();
    write_private(&path.join("course.toml"), "[hold]\n2300005 = \"all\"\n");
    done(path, &["publish"]);
    assert_eq!(observed(path), Some((5, "3".to_owned())));
}
