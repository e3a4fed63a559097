//! The same class as every system exports it: Ada Able has 9.5 in Lab 1 and is excused from Lab 2, Bo
//! Best has 7 and no mark yet.

use super::*;
use crate::ExplainedUse;

const ADA: &str = "4001001|Ada Able|9.5|EX";
const BO: &str = "4001002|Bo Best|7|";
const IDS: &[&str] = &["4001001", "4001002"];

/// A file, and the columns that its shape does not publish.
struct Export {
    shape: &'static str,
    file: &'static str,
    text: &'static str,
    out_of: [Option<&'static str>; 2],
}

const EXPORTS: &[Export] = &[
    Export {
        shape: "plain",
        file: "class.csv",
        text: "Name,ID Number,Lab 1,Lab 2\nAda Able,4001001,9.5,EX\nBo Best,4001002,7,\n",
        out_of: [None, None],
    },
    Export {
        shape: "brightspace",
        file: "grades.csv",
        text: "OrgDefinedId,Username,Last Name,First Name,Email,\
               Lab 1 Points Grade <Numeric MaxPoints:10 Weight:25 Category:Labs CategoryWeight:40>,\
               Lab 2 Points Grade <Numeric MaxPoints:20 Weight:25>,Labs Subtotal Numerator,\
               Labs Subtotal Denominator,Calculated Final Grade Numerator,\
               Adjusted Final Grade Numerator,End-of-Line Indicator\n\
               #4001001,#aable,Able,Ada,a@x.example,9.50,exempt,9,10,9,9,#\n\
               #4001002,#bbest,Best,Bo,b@x.example,7,,7,10,7,7,#\n",
        out_of: [Some("10"), Some("20")],
    },
    Export {
        shape: "canvas",
        file: "canvas.csv",
        text: "Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (208548),Lab 2 (208549),Notes,\
               Labs Current Score,Labs Unposted Final Score,Current Score,Final Score\n\
               \x20   Points Possible,,,,,10.0,20.0,,(read only),(read only),(read only),(read only)\n\
               \"Able, Ada\",11,4001001,aable,L1,9.50,EX,,95,95,95,95\n\
               \"Best, Bo\",12,,4001002,L1,7.00,,late,70,70,70,70\n\
               \"Student, Test\",13,,f00,L1,1.0,1.0,,,,,\n",
        out_of: [Some("10"), Some("20")],
    },
    Export {
        shape: "moodle",
        file: "moodle.csv",
        text: "First name,Last name,ID number,Institution,Department,Email address,\
               Assignment: Lab 1 (Real),Assignment: Lab 1 (Percentage),Quiz: Lab 2 (Real),\
               Course total (Real),Last downloaded from this course\n\
               Ada,Able,4001001,,,a@x.example,9.50,95.00 %,EX,9.5,1764000000\n\
               Bo,Best,4001002,,,b@x.example,7.00,70.00 %,-,7,1764000000\n",
        out_of: [None, None],
    },
    Export {
        shape: "moodle",
        file: "moodle-de.csv",
        text: "Vorname;Nachname;ID-Nummer;E-Mail-Adresse;Aufgabe: Lab 1 (Punkte);\
               Aufgabe: Lab 2 (Punkte);Kurs gesamt (Punkte);Zuletzt aus diesem Kurs geladen\n\
               Ada;Able;4001001;a@x.example;9,50;EX;9,50;1764000000\n\
               Bo;Best;4001002;b@x.example;7,00;-;7,00;1764000000\n",
        out_of: [None, None],
    },
    Export {
        shape: "blackboard",
        file: "gc.xls",
        text: "\"Last Name\"\t\"First Name\"\t\"Username\"\t\"Student ID\"\t\"Last Access\"\t\"Availability\"\t\
               \"Lab 1 [Total Pts: 10 Score] |534283\"\t\"Lab 2 [Total Pts: 20 Score] |534284\"\t\
               \"Weighted Total [Total Pts: up to 1,499 Score] |534285\"\n\
               \"Able\"\t\"Ada\"\t\"aable\"\t\"4001001\"\t\"2026-01-05\"\t\"Yes\"\t\"9.5\"\t\"Exempt\"\t\"9\"\n\
               \"Best\"\t\"Bo\"\t\"bbest\"\t\"4001002\"\t\"\"\t\"Yes\"\t\"7.0\"\t\"In Progress\"\t\"7\"\n",
        out_of: [Some("10"), Some("20")],
    },
    Export {
        shape: "gradescope-course",
        file: "gradescope.csv",
        text: "First Name,Last Name,SID,Email,Sections,Lab 1,Lab 1 - Max Points,\
               Lab 1 - Submission Time,Lab 1 - Lateness (H:M:S),Lab 2,Lab 2 - Max Points,\
               Lab 2 - Submission Time,Lab 2 - Lateness (H:M:S),Total Lateness (H:M:S)\n\
               Ada,Able,4001001,a@x,L1,9.5,10.0,2026-01-05 10:00:00,00:00:00,EX,20.0,,,00:00:00\n\
               Bo,Best,4001002,b@x,L1,7.0,10.0,2026-01-05 10:00:00,00:00:00,,20.0,,,00:00:00\n",
        out_of: [Some("10"), Some("20")],
    },
    Export {
        shape: "sakai",
        file: "gradebook.csv",
        text: "Student ID,Student Name,Lab 1 [10],* Lab 1,\"Lab 2 [20,5]\",# Course Grade\n\
               4001001,\"Able, Ada\",9.5,\"Good\",EX,A\n4001002,\"Best, Bo\",7,,,B\n",
        out_of: [Some("10"), Some("20.5")],
    },
    Export {
        shape: "markus",
        file: "summary.csv",
        text: "User Name,Section,Last Name,First Name,ID number,Email,Lab 1,Lab 2,Total\n\
               ,,,,,Out Of,10.0,20.0,30.0\n\
               aable,LEC0101,Able,Ada,4001001,a@x,9.5,EX,9.5\n\
               bbest,LEC0101,Best,Bo,4001002,b@x,7.0,,7.0\n",
        out_of: [Some("10"), Some("20")],
    },
    Export {
        shape: "nbgrader",
        file: "grades.csv",
        text: "assignment,duedate,timestamp,student_id,last_name,first_name,email,raw_score,\
               late_submission_penalty,score,max_score\n\
               Lab 1,,2026-02-25 13:16:26,4001001,Able,Ada,,9.5,0.0,9.5,10.0\n\
               Lab 1,,2026-02-25 13:16:26,4001002,Best,Bo,,7.0,0.0,7.0,10.0\n\
               Lab 2,,2026-02-25 13:16:26,4001001,Able,Ada,,,,EX,20.0\n",
        out_of: [Some("10"), Some("20")],
    },
    Export {
        shape: "submitty",
        file: "report.csv",
        text: "User ID,Given Name,Family Name,Registration Section,Lab 1,Lab 2,Total\n\
               4001001,Ada,Able,1,9.5,EX,9.5\n4001002,Bo,Best,1,7,,7\n",
        out_of: [None, None],
    },
    Export {
        shape: "coursys",
        file: "grades.csv",
        text: "Last name,First name,Userid,Emplid,Lab/Tutorial,Lab 1,Lab 2\n\
               Able,Ada,aable,4001001,D101,9.50,EX\nBest,Bo,bbest,4001002,D101,7.00,\n",
        out_of: [None, None],
    },
    Export {
        shape: "table",
        file: "marks.csv",
        text: "Matrikelnummer|Vorname|Nachname|E-Mail|Lab 1|Lab 2|Average\n\
               4001001|Ada|Able|a@x|9.5/10|EX|9.5\n4001002|Bo|Best|b@x|7/10||7\n",
        out_of: [Some("10"), None],
    },
];

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

const ONE_ROSTER: &[(&str, &str)] = &[
    ("manifest.csv", "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\n"),
    (
        "users.csv",
        "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,identifier\n\
         u1,,,true,o,student,aable,,Ada,Able,4001001\nu2,,,true,o,student,4001002,,Bo,Best,\n\
         u3,,,true,o,teacher,tt,,Tea,Cher,\nu4,tobedeleted,,true,o,student,old,,Old,One,4001009\n",
    ),
    (
        "lineItems.csv",
        "sourcedId,status,dateLastModified,title,classSourcedId,resultValueMin,resultValueMax\n\
         l1,,,Lab 1,c,0,10\nl2,,,Lab 2,c,0,20\n",
    ),
    (
        "results.csv",
        "sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment\n\
         r1,,,l1,u1,fully graded,9.5,2026-01-05,Good\nr2,,,l1,u2,fully graded,7,2026-01-05,\n\
         r3,,,l2,u1,exempt,0,2026-01-05,\nr4,,,l2,u2,submitted,0,2026-01-05,\n",
    ),
];

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

#[test]
fn an_error_in_a_one_roster_export_names_the_file() {
    let change = |from: &str, to: &str| {
        let files = ONE_ROSTER.iter().map(|(name, text)| (*name, text.replace(from, to)));
        let files: Vec<_> = files.collect();
        let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let files = folder(&files);
        let explanation = explained_source("export", Source::Folder(&files), "", Format::AUTO);
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
