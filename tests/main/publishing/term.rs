//! A term: forty-seven actions of an instructor, after each of which three students ask. Each mark is used once in
//! the term, so a mark that nobody may see yet is recognised wherever it appears.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use rustix::process::Signal;
use serde_json::Value;

use super::{course, done, json, published_by, read, run, served, settings, write_course};
use crate::harness::{ADA, BO, Server, Student, ZOE, eventually, write_private};

const ASSESSMENTS: [&str; 3] = ["Lab 1", "Lab 2", "Midterm"];

/// The marks of the three students, by assessment; blank if there is none.
type Marks = BTreeMap<&'static str, [String; 3]>;

/// The instructor's files, and what students may see.
struct Term {
    server: Option<Server>,
    /// What the class file says.
    file: Marks,
    /// What students may see; an assessment that is missing is hidden.
    shown: Marks,
    /// Every mark that was ever in a file and was never shown.
    secret: Vec<String>,
    actions: usize,
}

impl Term {
    fn begin() -> Self {
        let folder = course(&settings("shrink_percent_max = 100"));
        let none = || [String::new(), String::new(), String::new()];
        let file: Marks = ASSESSMENTS.iter().map(|name| (*name, none())).collect();
        let mut term =
            Self { server: None, file, shown: Marks::new(), secret: Vec::new(), actions: 0 };
        write_private(&folder.path().join("class.csv"), term.csv());
        term.server = Some(served(folder));
        term.shown = term.file.clone();
        term.check();
        term
    }

    fn server(&mut self) -> &mut Server {
        self.server.as_mut().unwrap()
    }

    fn csv(&self) -> String {
        let mut text = format!("Name,ID Number,{}\n", ASSESSMENTS.join(","));
        for (at, student) in [ADA, BO, ZOE].iter().enumerate() {
            let marks: Vec<_> = ASSESSMENTS.iter().map(|name| &*self.file[name][at]).collect();
            text.push_str(&format!("Student {at},{},{}\n", student.0, marks.join(",")));
        }
        text
    }

    /// Changes a mark in the class file.
    fn edit(&mut self, student: usize, assessment: &'static str, mark: &str) -> &mut Self {
        self.file.get_mut(assessment).unwrap()[student] = mark.to_owned();
        if !mark.is_empty() {
            self.secret.push(mark.to_owned());
        }
        let text = self.csv();
        write_private(&self.server().class_file(), text);
        self
    }

    /// Has the server read the files.
    fn reload(&mut self, says: &str) -> &mut Self {
        self.server().signal(Signal::HUP);
        self.server().prints(says);
        self
    }

    /// Students may see a mark from now on.
    fn shows(&mut self, student: usize, assessment: &'static str, mark: &str) -> &mut Self {
        self.shown.get_mut(assessment).unwrap()[student] = mark.to_owned();
        self
    }

    /// Students may see all of the class file.
    fn shows_file(&mut self) -> &mut Self {
        self.shown = self.file.clone();
        self
    }

    /// The action is over: three students ask.
    #[track_caller]
    fn check(&mut self) {
        self.actions += 1;
        for marks in self.shown.values().flatten() {
            self.secret.retain(|secret| secret != marks);
        }
        let server = self.server.as_ref().unwrap();
        for (at, student) in [ADA, BO, ZOE].into_iter().enumerate() {
            let names = ASSESSMENTS.iter().filter(|name| self.shown.contains_key(*name));
            let marks: Vec<_> =
                names.map(|name| format!("{name}: {}", self.shown[name][at])).collect();
            let action = self.actions;
            assert_eq!(read(server, student, "GG"), marks.join(", "), "action {action}");
            let report = read(server, student, "REPORT");
            for secret in &self.secret {
                assert!(!report.contains(secret), "action {action}: {secret} in {report}");
            }
            self.check_statistics(student, &report);
        }
    }

    /// Each figure is made of the marks that students may see.
    #[track_caller]
    fn check_statistics(&self, student: Student, report: &str) {
        let report: Value = serde_json::from_str(report).unwrap();
        for assessment in report["assessments"].as_array().unwrap() {
            let name = assessment["assessment"].as_str().unwrap();
            let marks: Vec<f64> =
                self.shown[name].iter().filter_map(|mark| mark.parse().ok()).collect();
            let figures = &assessment["class"];
            let count = u32::try_from(marks.len()).unwrap();
            if count > 0 {
                let mean = marks.iter().sum::<f64>() / f64::from(count);
                assert_eq!(figures["count"], count, "{name} of {}", student.0);
                assert!((figures["mean"].as_f64().unwrap() - mean).abs() < 1e-4, "{figures}");
            }
        }
    }

    /// What `diff` says that three students will see, compared with what they see after `publish`.
    #[track_caller]
    fn publishes_what_diff_says(&mut self, arguments: &[&str], file: &[&str]) -> &mut Self {
        let folder = self.server().folder.path().to_owned();
        let diff = json(&folder, &[&["diff", "--marks"], file].concat());
        let before = self.grades();
        self.command(&[&["publish"], file, arguments].concat());
        let after = self.grades();
        let mut changes = BTreeMap::new();
        for (key, mark) in &after {
            let old = before.get(key).cloned().unwrap_or_default();
            if old != *mark {
                changes.insert(key.clone(), (old, mark.clone()));
            }
        }
        let text = |mark: &Value| mark.as_str().unwrap_or_default().to_owned();
        let shown = |change: &&Value| {
            after.contains_key(&(text(&change["id"]), text(&change["assessment"])))
        };
        let said: BTreeMap<_, _> = diff["marks"]
            .as_array()
            .unwrap()
            .iter()
            .filter(shown)
            .map(|change| {
                let key = (text(&change["id"]), text(&change["assessment"]));
                (key, (text(&change["old"]), text(&change["new"])))
            })
            .collect();
        assert_eq!(said, changes, "action {}", self.actions + 1);
        self
    }

    /// What each student sees, by ID and assessment.
    fn grades(&mut self) -> BTreeMap<(String, String), String> {
        let server = self.server.as_ref().unwrap();
        let mut grades = BTreeMap::new();
        for student in [ADA, BO, ZOE] {
            for grade in read(server, student, "GG").split(", ") {
                let (name, mark) =
                    grade.split_once(": ").unwrap_or((grade.trim_end_matches(':'), ""));
                grades.insert((student.0.to_owned(), name.to_owned()), mark.to_owned());
            }
        }
        grades
    }

    fn restart(&mut self, signal: Signal) -> &mut Self {
        let server = self.server.take().unwrap();
        self.server = Some(served(server.end_with(signal)));
        self
    }

    fn command(&mut self, arguments: &[&str]) -> &mut Self {
        let folder = self.server().folder.path().to_owned();
        done(&folder, arguments);
        self.server().prints(PUBLISHED);
        self
    }

    #[track_caller]
    fn fails(&mut self, arguments: &[&str]) -> &mut Self {
        let folder = self.server().folder.path().to_owned();
        assert_eq!(run(&folder, arguments).code, 1);
        self
    }

    fn write_course(&mut self, text: &str) -> &mut Self {
        write_course(self.server(), text);
        self
    }

    /// Changes what publishes a file that is saved, which takes a restart.
    fn with_mode(&mut self, from: &str, to: &str) -> &mut Self {
        let path = self.server().folder.path().join("test.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace(from, to);
        std::fs::write(&path, text).unwrap();
        self.restart(Signal::TERM)
    }
}

const PUBLISHED: &str = "class file installed";
const HELD: &str = "class file held";
const STAGED: &str = "class file staged";

#[test]
fn forty_seven_actions_show_each_student_what_was_published_and_nothing_else() {
    let mut term = Term::begin();
    saving(&mut term);
    holding(&mut term);
    on_command(&mut term);
    releasing(&mut term);
    ending(&mut term);
    assert_eq!(term.actions, 47);
}

/// Marks are entered, and mistakes are held.
fn saving(term: &mut Term) {
    term.edit(0, "Lab 1", "4011").reload(PUBLISHED).shows_file().check();
    term.edit(1, "Lab 1", "4012").reload(PUBLISHED).shows_file().check();
    term.edit(2, "Lab 1", "4013.5").reload(PUBLISHED).shows_file().check();
    term.edit(1, "Lab 1", "EX").reload(PUBLISHED).shows_file().check();
    term.edit(0, "Lab 1", "").edit(0, "Lab 2", "4014").reload(HELD).check();
    term.restart(Signal::KILL).check();
    term.edit(0, "Lab 1", "4011").reload(PUBLISHED).shows_file().check();
    term.edit(2, "Lab 2", "nonsense-15").reload("class file not installed").check();
    term.restart(Signal::TERM).check();
    term.edit(2, "Lab 2", "4016").reload(PUBLISHED).shows_file().check();
}

/// Holds while changes wait, and what is accepted.
fn holding(term: &mut Term) {
    term.write_course("[hold]\n2100001 = [\"Lab 2\"]\n").reload(PUBLISHED);
    term.shows(0, "Lab 2", "").check();
    term.edit(2, "Lab 1", "").edit(1, "Lab 2", "4017").reload(HELD).check();
    term.write_course("[hold]\n2100001 = [\"Lab 2\"]\n\"zoe@class.example\" = [\"Lab 2\"]\n");
    term.reload(PUBLISHED).shows(2, "Lab 2", "").check();
    term.restart(Signal::KILL).check();
    term.fails(&["publish"]).check();
    term.publishes_what_diff_says(&["--accept"], &[]);
    term.shows(2, "Lab 1", "").shows(1, "Lab 2", "4017").check();
    term.write_course("").reload(PUBLISHED).shows_file().check();
    term.edit(2, "Lab 1", "4018").reload(PUBLISHED).shows_file().check();
    term.restart(Signal::TERM).check();
}

/// Every change waits for the command.
fn on_command(term: &mut Term) {
    term.with_mode("[gradebook]\n", "[gradebook]\npublish = \"on-command\"\n").check();
    term.edit(0, "Midterm", "4021").reload(STAGED).check();
    term.edit(1, "Midterm", "4022").reload(STAGED).check();
    term.restart(Signal::KILL).check();
    term.publishes_what_diff_says(&[], &[]).shows_file().check();
    term.edit(2, "Midterm", "4023").reload(STAGED).check();
    term.write_course("[hold]\n2100002 = [\"Midterm\"]\n").reload(PUBLISHED);
    term.shows(1, "Midterm", "").check();
    term.restart(Signal::KILL).check();
    term.command(&["publish"]).shows(2, "Midterm", "4023").check();
    term.write_course("").reload(STAGED).check();
    term.publishes_what_diff_says(&[], &[]).shows_file().check();
    term.edit(0, "Lab 1", "4024").reload(STAGED).fails(&["publish", "--digest", "00"]).check();
    term.edit(0, "Lab 1", "4011").reload("class file unchanged").check();
}

/// An assessment is hidden, and released at a moment.
fn releasing(term: &mut Term) {
    let moment = SystemTime::now() + Duration::from_secs(4);
    let seconds = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let release = format!("[assessment.Midterm]\nrelease = {}\n", fernet_batch::Timestamp(seconds));
    let midterm = term.shown.remove("Midterm").unwrap();
    term.write_course(&release).reload(PUBLISHED).check();
    term.edit(0, "Lab 2", "4031").reload(STAGED).check();
    term.restart(Signal::KILL).check();
    term.server().prints(PUBLISHED);
    term.shown.insert("Midterm", midterm.clone());
    term.check();
    term.restart(Signal::KILL).check();
    term.shown.remove("Midterm");
    term.write_course("[assessment.Midterm]\nrelease = false\n").reload(PUBLISHED).check();
    term.edit(1, "Midterm", "4032").reload(STAGED).check();
    term.command(&["publish"]).shows(0, "Lab 2", "4031").check();
    term.write_course("").reload(STAGED).check();
    term.command(&["publish"]).shows_file().check();
}

/// Another file, and back.
fn ending(term: &mut Term) {
    let folder = term.server().folder.path().to_owned();
    let kept = term.shown.clone();
    let edition = json(&folder, &["editions"])["current"].to_string();
    term.edit(0, "Midterm", "4041");
    std::fs::copy(folder.join("class.csv"), folder.join("other.csv")).unwrap();
    let text = term.csv().replace(",4041\n", ",4021\n");
    write_private(&folder.join("class.csv"), text);
    term.publishes_what_diff_says(&[], &["other.csv"]).shows_file().check();
    term.restart(Signal::KILL).check();
    term.command(&["rollback", &edition]).shown = kept;
    term.check();
    term.restart(Signal::KILL).check();
    eventually("the history is whole", || published_by(&folder).len() > 20);
}
