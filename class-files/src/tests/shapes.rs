//! The same class as every system exports it: Ada Able has 9.5 in Lab 1 and is excused from Lab 2, Bo
//! Best has 7 and no mark yet.

use super::exports::{EXPORTS, Export, ONE_ROSTER};
use super::*;
use crate::ExplainedUse;

const ADA: &str = "4001001|Ada Able|9.5|EX";
const BO: &str = "4001002|Bo Best|7|";
const IDS: &[&str] = &["4001001", "4001002"];

fn assessments(explanation: &Explanation) -> Vec<(String, Option<String>, bool)> {
    let uses = explanation.columns.iter().filter_map(|column| match &column.usage {
        ExplainedUse::Assessment { assessment, out_of, released, .. } => {
            Some((assessment.clone(), out_of.map(|out_of| out_of.to_string()), *released))
        }
        _ => None,
    });
    uses.collect()
}

#[test]
fn every_export_makes_the_same_class() {
    for export in EXPORTS {
        let Export { shape, file, text, out_of } = export;
        let explanation = explained(file, text.as_bytes(), "");
        let found = (explanation.shape, explanation.errors_total, explanation.students);
        assert_eq!(found, (Some(*shape), 0, 2), "{shape}: {:?}", explanation.errors);
        let expected: Vec<_> = ["Lab 1", "Lab 2"]
            .iter()
            .zip(out_of)
            .map(|(name, out_of)| ((*name).to_owned(), out_of.map(str::to_owned), true))
            .collect();
        assert_eq!(assessments(&explanation), expected, "{file}");
        let class = class_of(file, Source::File(text.as_bytes()), "", IDS);
        let class = class.unwrap_or_else(|errors| panic!("{file}: {errors}"));
        assert_eq!(rows_of(&class), [ADA, BO], "{file}");
    }
}

#[test]
fn every_export_reads_the_same_in_every_encoding() {
    for Export { file, text, .. } in EXPORTS {
        let marked = format!("\u{feff}{text}").replace('\n', "\r\n");
        let utf_16: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [marked.as_bytes(), &utf_16] {
            let class = class_of(file, Source::File(bytes), "", IDS);
            assert_eq!(
                class.map(|class| rows_of(&class)).as_deref(),
                Ok(&[ADA.into(), BO.into()][..])
            );
        }
    }
}

#[test]
fn a_posting_policy_hides_an_assessment_until_the_course_file_releases_it() {
    let canvas = "Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (1),Lab 2 (2),Final Score\n\
                  ,,,,,,Manual Posting,\n    Points Possible,,,,,10,20,(read only)\n\
                  \"Able, Ada\",11,4001001,aable,L1,9.5,EX,95\n";
    let released = |course| {
        let explanation = explained("canvas.csv", canvas.as_bytes(), course);
        assert_eq!(explanation.errors_total, 0, "{:?}", explanation.errors);
        explanation.released().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(released(""), ["Lab 1"]);
    assert_eq!(released("[assessment.\"Lab 2\"]\nrelease = true"), ["Lab 1", "Lab 2"]);
    let mapped = "[assessment.Second]\ncolumn = \"Lab 2 (2)\"\nrelease = true\n\
                  [assessment.Final]\ncolumn = \"final score\"";
    assert_eq!(released(mapped), ["Lab 1", "Second", "Final"]);
    let skipped = explained("canvas.csv", canvas.as_bytes(), "").skipped_rows;
    let skipped: Vec<_> = skipped.iter().map(|row| (row.row, row.reason)).collect();
    assert_eq!(skipped, [(2, "posting policies"), (3, "points possible")]);
}

#[test]
fn a_canvas_file_in_another_language_has_decimal_commas() {
    let text = "Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (1)\n\
                \x20   Points Possible,,,,,\"10,0\"\n\"=\"\"=Able, Ada\"\"\",1,4001001,a,L1,\"9,5\"\n";
    let explanation = explained("canvas.csv", text.as_bytes(), "");
    assert_eq!((explanation.decimal, explanation.errors_total), (Some(","), 0));
    let class = class_of("canvas.csv", Source::File(text.as_bytes()), "", &IDS[..1]).unwrap();
    assert_eq!(rows_of(&class), ["4001001|Ada =Able|9.5"]);
}

#[test]
fn files_of_one_assessment_are_named_after_the_file() {
    let worksheet = "Identifier,Full name,Email address,Status,Grade,Maximum Grade,\
                     Grade can be changed,Last modified (grade),Feedback comments\n\
                     Participant 4001001,Ada Able,a@x,Submitted,9.50,10.00,Yes,-,Well done\n\
                     Participant 4001002,Bo Best,b@x,No submission,,10.00,Yes,-,\n";
    let gradescope = "Name,SID,Email,Total Score,Max Points,Status,Submission ID,\
                      Submission Time,Lateness (H:M:S),1: Proof (5.0 pts)\n\
                      Ada Able,4001001,a@x,9.5,10.0,Graded,77,2026-01-05,00:00:00,4.5\n\
                      Bo Best,4001002,b@x,,10.0,Missing,,,,\n\
                      Cy Call,4001003,c@x,3.0,10.0,Ungraded,79,2026-01-05,00:00:00,\n";
    for (shape, text, ids, marks) in [
        ("moodle-worksheet", worksheet, IDS, &["9.5", ""][..]),
        (
            "gradescope-assignment",
            gradescope,
            &["4001001", "4001002", "4001003"],
            &["9.5", "MI", ""],
        ),
    ] {
        let explanation = explained("Lab 1.csv", text.as_bytes(), "");
        assert_eq!((explanation.shape, explanation.errors_total), (Some(shape), 0));
        assert_eq!(assessments(&explanation), [("Lab 1".into(), Some("10".into()), true)]);
        let class = class_of("Lab 1.csv", Source::File(text.as_bytes()), "", ids).unwrap();
        let found: Vec<_> = rows_of(&class);
        let found: Vec<_> = found.iter().map(|row| row.rsplit('|').next().unwrap()).collect();
        assert_eq!(found, marks, "{shape}");
    }
}

#[test]
fn logins_may_be_the_ids() {
    let autolab = "Email,first_name,last_name,Lecture,Section,School,Major,Year,grace_days_used,\
                   penalty_late_days,datalab,version,Lab Average,Course Average\n\
                   a@x.example,Ada,Able,1,A,SCS,CS,4,0,0,9.5,1,9.5,9.5\n\
                   b@x.example,Bo,Best,1,A,SCS,CS,4,0,0,zeroed,1,0,0\n\
                   c@x.example,Cy,Call,1,A,SCS,CS,4,0,0,not_submitted,,0,0\n";
    let relate = "user_name,last_name,first_name,Lab 1,Lab 2\naable,Able,Ada,95.000,EXEMPT\n\
                  bbest,Best,Bo,NONE,70.500\n";
    let okpy = "Email,SID,Lab 1 (Total),Project 1 (Composition)\na@x,4001001,9.5,2.0\n";
    for (shape, text, ids, rows) in [
        (
            "autolab",
            autolab,
            &["a@x.example", "b@x.example", "c@x.example"][..],
            &["a@x.example|Ada Able|9.5", "b@x.example|Bo Best|0", "c@x.example|Cy Call|MI"][..],
        ),
        ("relate", relate, &["aable", "bbest"], &["aable|Ada Able|95|EX", "bbest|Bo Best||70.5"]),
        ("okpy", okpy, &["4001001"], &["4001001||9.5"]),
    ] {
        let explanation = explained("x.csv", text.as_bytes(), "");
        assert_eq!((explanation.shape, explanation.errors_total), (Some(shape), 0));
        let class = class_of("x.csv", Source::File(text.as_bytes()), "", ids).unwrap();
        assert_eq!(rows_of(&class), rows);
    }
    let relate = explained("x.csv", relate.as_bytes(), "");
    assert!(assessments(&relate).iter().all(|(_, out_of, _)| out_of.as_deref() == Some("100")));
}

#[test]
fn a_one_roster_export_is_an_archive_or_a_folder() {
    let files = folder(ONE_ROSTER);
    let archive = workbooks::archive(ONE_ROSTER);
    for source in [Source::Folder(&files), Source::File(&archive)] {
        let explanation = explained_source("export", source, "", Format::AUTO);
        assert_eq!(explanation.errors_total, 0, "{:?}", explanation.errors);
        assert_eq!(explanation.shape, Some("oneroster"));
        assert_eq!(assessments(&explanation).len(), 2);
        assert_eq!(explanation.columns.len(), 6, "no column of comments");
        let class = class_of("export", source, "", IDS).unwrap();
        assert_eq!(rows_of(&class), [ADA, BO]);
    }
}

/// What is understood of the OneRoster export with this change in each of its files.
fn changed_one_roster(from: &str, to: &str) -> Explanation {
    let files: Vec<_> =
        ONE_ROSTER.iter().map(|(name, text)| (*name, text.replace(from, to))).collect();
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    explained_source("export", Source::Folder(&folder(&files)), "", Format::AUTO)
}

#[test]
fn an_error_in_a_one_roster_export_names_the_file() {
    let change = |from: &str, to: &str| {
        let explanation = changed_one_roster(from, to);
        let errors = explanation.errors.iter().map(|error| {
            let file = error.file.unwrap_or_default();
            let row = error.row.unwrap_or_default();
            format!("{file} {row} {}", error.message.split(';').next().unwrap_or_default())
        });
        errors.collect::<Vec<_>>().join(" & ")
    };
    let not_a_mark = change("graded,7,", "graded,x,");
    assert!(not_a_mark.starts_with("results.csv 3 \"x\" is not a mark"), "{not_a_mark}");
    assert_eq!(change("l2,u2", "l9,u2"), "results.csv 5 names \"l9\", which does not exist");
    assert!(change("4001001", "4001 001").starts_with("users.csv 2 must be 1 to 64"));
    assert_eq!(change("c,0,10", "c,0,ten"), "lineItems.csv 2 \"ten\" is not a maximum");
    assert!(change("l2,u1", "l1,u1").contains("results.csv 4 is a second mark"));
}

#[test]
fn comments_are_read_where_a_system_exports_them() {
    let sakai = EXPORTS.iter().find(|export| export.shape == "sakai").unwrap();
    let explanation = explained(sakai.file, sakai.text.as_bytes(), "");
    let json = serde_json::to_value(&explanation).unwrap();
    assert_eq!(
        json["columns"][3],
        serde_json::json!({"column": "* Lab 1", "use": "comment", "assessment": "Lab 1"})
    );
    assert_eq!(json["columns"][5]["use"], "ignored");
}

/// The assessments that a file publishes; the errors if it has any.
fn published(file: &str, text: &str) -> String {
    let explanation = explained(file, text.as_bytes(), "");
    match explanation.errors.first() {
        Some(error) => format!("row {:?}: {}", error.row.unwrap_or_default(), error.message),
        None => explanation.released().collect::<Vec<_>>().join(", "),
    }
}

#[test]
fn no_total_is_published_in_any_language() {
    let dutch = "Voornaam;Achternaam;ID-nummer;Opdracht: L 1 (Punten);Cursustotaal (Punten);\
                 Laatst gedownload van deze cursus\nA;B;4001001;9,5;8,0;1677331000\n";
    assert_eq!(published("m.csv", dutch), "L 1");
    let swedish = "Förnamn;Efternamn;ID-nummer;Uppgift: L 1 (Verkligt);Kurs totalt (Verkligt);\
                   Senast nedladdad från denna kurs\nA;B;4001001;9,5;8,0;1677331000\n";
    assert_eq!(published("m.csv", swedish), "L 1");
    let french = "Pr\u{e9}nom,Nom de famille,Num\u{e9}ro d\u{2019}identification,Devoir : TP 1 (Brut),\
                  Total du cours (Brut)\nA,B,4001001,9,9\n";
    assert_eq!(published("m.csv", french), "TP 1");
    let older = "First name,Surname,ID number,Assignment: Lab 1,Course total,\
                 Last downloaded from this course\nA,B,4001001,9,9,1677331000\n";
    assert_eq!(published("m.csv", older), "Lab 1");
    let sakai = "Student ID,Student Name,Lab 1 [10],Course Grade [100]\n4001001,A,9,90\n";
    assert_eq!(published("s.csv", sakai), "Lab 1");
    let table = "Matrikelnummer,Name,Lab 1,Gesamtpunkte,Summe,Mean,GPA,Lab 1 out of\n4001001,A,9,9,9,9,4,10\n";
    assert_eq!(published("t.csv", table), "Lab 1");
}

#[test]
fn rows_of_figures_and_test_students_are_no_students() {
    for (text, students) in [
        ("Name,ID Number,Lab 1\nAda,4001001,9\nAverage,,9\nMean,Average,9\n", 1),
        ("Student ID,Name,Lab 1\n4001001,Ada,9\nAverage,,9\nOut of,,10\n", 1),
        ("User ID,Given Name,Family Name,Lab 1\nmax,Max,Median,9\nmean,Ada,Able,9\n", 2),
        (
            "Last Name,First Name,Username,Lab 1 [Total Pts: 10 Score] |5\nAble,Ada,aable,9\n\
             Able_PreviewUser,Ada,aable_previewuser,1\n",
            1,
        ),
        (
            "Username,Lab 1 Points Grade <Numeric MaxPoints:1,000>,End-of-Line Indicator\n\
             #aable,9,#\n#d2l.demo.student,1,#\n",
            1,
        ),
    ] {
        let text = text.replace("MaxPoints:1,000>", "MaxPoints:1000>");
        let explanation = explained("x.csv", text.as_bytes(), "");
        let found = (explanation.students, explanation.errors_total);
        assert_eq!(found, (students, 0), "{text}: {:?}", explanation.errors);
    }
}

#[test]
fn a_row_of_posting_policies_below_students_is_refused() {
    let canvas = "Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (1)\n\
                  \"Able, Ada\",11,4001001,aable,L1,9.5\n,,,,,Manual Posting\n";
    assert_eq!(
        published("canvas.csv", canvas),
        "row 3: is a row of maxima or posting policies below students; keep it above them, as it was exported"
    );
}

#[test]
fn an_entry_that_a_one_roster_export_has_twice_is_refused() {
    let change = |from: &str, to: &str| {
        let explanation = changed_one_roster(from, to);
        explanation.errors.first().map(|error| error.message.clone()).unwrap_or_default()
    };
    assert!(change("u2,,,true", "u1,,,true").starts_with("is the same as in row 2"));
    assert!(change("l2,,,Lab 2", "l1,,,Lab 2").starts_with("is the same as in row 2"));
    assert!(
        change("l1,u2,fully graded", "l1,u2,withheld").starts_with("\"withheld\" is not a mark")
    );
}

#[test]
fn a_comment_that_is_too_long_is_cut_and_the_instructor_is_warned() {
    let text = |comments: [usize; 3]| {
        let rows = comments.iter().zip(4001001..).map(|(bytes, id)| {
            let comment = "word ".repeat(*bytes / 5) + &"x".repeat(bytes % 5);
            format!("{id},A,9,{comment}\n")
        });
        format!("Student ID,Student Name,Lab 1 [10],* Lab 1\n{}", rows.collect::<String>())
    };
    let warnings = |comments| explained("s.csv", text(comments).as_bytes(), "").warnings.join("");
    assert_eq!(warnings([1000, 0, 7]), "");
    let cut = "column \"* Lab 1\"";
    assert_eq!(
        warnings([9, 1001, 7]),
        format!("{cut}: 1 comment of more than 1000 bytes is cut, first in row 3")
    );
    assert_eq!(
        warnings([2000, 9, 1001]),
        format!("{cut}: 2 comments of more than 1000 bytes are cut, first in row 2")
    );
    let (file, ids) = (text([2000, 0, 7]), ["4001001", "4001002", "4001003"]);
    let class = class_of("s.csv", Source::File(file.as_bytes()), "", &ids).unwrap();
    let student = class.each_student().next().unwrap();
    let comment = student.comment(0).unwrap();
    assert!(comment.starts_with("word word ") && comment.ends_with(" w ..."), "{comment}");
}

#[test]
fn an_activity_in_a_moodle_export_is_no_total_whatever_its_name_is() {
    let text = "First name,Last name,ID number,Assignment: Lab 3 Checksum (Real),Quiz: Total (Real),\
                Labs total (Real),Course total (Real),Last downloaded from this course\n\
                Ada,Able,4001001,9,8,17,17,1788000000\n";
    let columns = explained("m.csv", text.as_bytes(), "").columns;
    let is_assessment = |column: &crate::explanation::ExplainedColumn| {
        matches!(column.usage, ExplainedUse::Assessment { .. })
    };
    let found: Vec<_> = columns.iter().skip(3).map(is_assessment).collect();
    assert_eq!(found, [true, true, false, false, false]);
}
