//! Course files by themselves.

use super::*;

fn rejected(text: &str) -> String {
    Course::parse(text).unwrap_err().to_string()
}

#[test]
fn a_course_file_says_what_a_class_file_cannot() {
    let course = Course::parse(
        "out_of = 10\nsheet = \"Marks\"\n[columns]\nid = \"SIS User ID\"\nid_length = \"any\"\n\
         [assessment.\"Lab 4\"]\ncolumn = \"Lab 4 (208551)\"\nout_of = 12.5\nkind = \"text\"\n\
         release = 2026-12-01T17:00:00-05:00\n[assessment.Quiz]\nrelease = false\n\
         [hold]\n2158999 = [\"Exam 1\"]\n\"a.b@c\" = \"all\"\n",
    )
    .unwrap();
    assert_eq!(course.out_of, Some(Decimal::from(10)));
    assert_eq!(course.sheet.as_deref(), Some("Marks"));
    assert_eq!(course.columns.id.as_deref(), Some("SIS User ID"));
    assert!(course.columns.any_id_length);
    let [lab, quiz] = course.assessments.as_slice() else { panic!("two assessments") };
    assert_eq!((lab.name.as_str(), lab.column.as_deref()), ("Lab 4", Some("Lab 4 (208551)")));
    assert!(lab.is_text && lab.out_of == Some(Decimal::parse("12.5").unwrap()));
    let AssessmentRelease::From(moment) = lab.release.unwrap() else { panic!("a moment") };
    assert_eq!(moment.to_string(), "2026-12-01T22:00:00Z");
    assert_eq!(quiz.release, Some(AssessmentRelease::Hidden));
    assert_eq!(course.holds.len(), 2);
}

#[test]
fn a_moment_is_a_second_in_a_zone() {
    let moment = |text: &str| {
        let course = Course::parse(&format!("[assessment.A]\nrelease = {text}\n"));
        match course.map(|course| course.assessments[0].release) {
            Ok(Some(AssessmentRelease::From(moment))) => moment.to_string(),
            Ok(other) => format!("{other:?}"),
            Err(error) => error.to_string(),
        }
    };
    assert_eq!(moment("2026-12-01T22:00:00Z"), "2026-12-01T22:00:00Z");
    assert_eq!(moment("2026-12-01 22:00:00+05:30"), "2026-12-01T16:30:00Z");
    assert_eq!(moment("2026-12-01T22:00:00.001Z"), "2026-12-01T22:00:01Z");
    for local in ["2026-12-01T22:00:00", "2026-12-01", "22:00:00"] {
        let text = moment(local);
        assert!(
            text.starts_with("assessment.\"A\".release: must have a date, a time and a zone"),
            "{text}"
        );
    }
    assert!(moment("\"tomorrow\"").contains("must be true, false, or a moment"));
}

#[test]
fn what_is_not_understood_is_named_with_the_nearest_word() {
    for (text, error) in [
        ("outof = 3", "the top: unknown key \"outof\"; did you mean \"out_of\"?"),
        (
            "zzz = 3",
            "the top: unknown key \"zzz\"; known: out_of, sheet, columns, assessment, hold",
        ),
        (
            "[assessment.A]\nreleased = true",
            "assessment.\"A\": unknown key \"released\"; did you mean \"release\"?",
        ),
        ("[columns]\nids = \"x\"", "[columns]: unknown key \"ids\"; did you mean \"id\"?"),
        ("out_of = \"10\"", "out_of: must be a number greater than zero"),
        ("out_of = -1", "out_of: must be a number greater than zero"),
        ("out_of = nan", "out_of: must be a number greater than zero"),
        ("[hold]\n\"a b\" = \"all\"", "hold.a b: must be a student ID: A-Z a-z 0-9 . _ @ -"),
        (
            "[hold]\n7 = \"some\"",
            "hold.7: must be a list of assessments, like [\"Exam 1\"], or \"all\"",
        ),
        ("[columns]\nid_length = 7", "columns.id_length: must be \"any\", or be removed"),
        ("assessment = 3", "assessment: must be a table"),
        ("a = [\n", "is not valid TOML near line 1; see the course file's format in the README"),
    ] {
        assert_eq!(rejected(text), error);
    }
    let key = "k".repeat(43);
    assert!(!rejected(&format!("{key} = 1")).contains(&key));
    assert!(!rejected(&format!("[hold]\n{key} = 1")).contains(&key));
    assert!(!rejected(&format!("x = {key}")).contains(&key));
}
