//! Contents for tests, written as short texts.

use fernet_batch::StudentKeys;
use gradebook::{Assessment, AssessmentRelease, Decimal, Mark, RosterBuilder, StudentId};

use crate::content::Content;

/// A content: the assessments, separated by commas, and a text for each student: ID, name, and the marks
/// (`-` for a blank, `hold` for a mark on hold).
pub(crate) fn content(assessments: &str, students: &[&str]) -> Content {
    let mut builder = RosterBuilder::new(assessments.split(',').map(str::to_owned));
    for student in students {
        let words: Vec<_> = student.split(' ').collect();
        let id = StudentId::new(words[0].as_bytes()).unwrap();
        let marks = words[2..].iter().map(|word| match *word {
            "-" | "hold" => Mark::Blank,
            word => Mark::parse(word).unwrap(),
        });
        builder.add(&id, words[1], StudentKeys::generate().unwrap(), marks).unwrap();
        for (at, word) in words[2..].iter().enumerate() {
            if *word == "hold" {
                builder.hold(at);
            }
        }
    }
    Content::of(&builder.finish().unwrap_or_else(|_| panic!("the class is valid")))
}

/// A content of one assessment with this release, and one student.
pub(crate) fn released(assessment: &str, release: AssessmentRelease) -> Content {
    let assessment = Assessment { name: assessment.to_owned(), out_of: None, release };
    let mut builder = RosterBuilder::new([assessment]);
    let id = StudentId::new(b"1").unwrap();
    let mark = Mark::Number(Decimal::from(7));
    builder.add(&id, "Ada", StudentKeys::generate().unwrap(), [mark]).unwrap();
    Content::of(&builder.finish().unwrap_or_else(|_| panic!("the class is valid")))
}

/// A content of one assessment with these numbers, for students counted from 1.
pub(crate) fn column(assessment: &str, numbers: &[u32]) -> Content {
    let mut builder = RosterBuilder::new([assessment.to_owned()]);
    for (at, number) in numbers.iter().enumerate() {
        let id = format!("{:03}", at + 1);
        let mark = Mark::Number(Decimal::from(*number));
        let id = StudentId::new(id.as_bytes()).unwrap();
        builder.add(&id, "", StudentKeys::generate().unwrap(), [mark]).unwrap();
    }
    Content::of(&builder.finish().unwrap_or_else(|_| panic!("the class is valid")))
}
