//! The book: the whole table of one edition, immutable, and what it answers.
//!
//! A book arrives whole and valid from [`read_class_file`](crate::read_class_file); it never
//! changes, and it knows no bytes of the wire. What is the same for the whole class, each average's
//! text, is rendered once, when the book is made.

use crate::batch::{Answers, Decision, Requests};
use crate::decoy::DecoyKeys;
use crate::id_set::IdSet;
use crate::rejection::Rejection;
use crate::release::{ReleaseHistory, ReleaseStatus};
use crate::render::{ExamAverage, Renderer, StatisticText, shorten};
use crate::report::{ClassFigures, NO_OWN_FIGURES, Report, ReportLine};
use crate::request::{Command, Request, StudentId};
use crate::roster::{Record, Roster};
use crate::seal::Timestamp;
use crate::sealed::{
    self, Credentials, ReplyContext, RequestVerifier, SealedRequest, Status, Verified,
};
use crate::short_text::ShortText;
use crate::statistics::PrivacyPolicy;
use crate::wire;

/// The longest text, in bytes, whose token still fits the 1024 bytes that the lab's clients read.
pub const LAB_ANSWER_BYTES_MAX: usize = 703;

/// The number of a book; each new one is higher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EditionNumber(pub u64);

/// The whole table.
pub struct Book {
    edition: EditionNumber,
    assessments: Vec<Assessment>,
    exam_average: Option<ExamAverage>,
    /// Whether students see only figures of assessments in which they have a mark themselves.
    own_marks_only: bool,
    history: ReleaseHistory,
    roster: Roster,
    /// No report is longer; decoys of one are as long.
    report_bytes_max: usize,
}

/// One column of marks.
struct Assessment {
    name: String,
    /// What stands before a mark: the name in ASCII, since some of the lab's clients fail on anything
    /// else, and a colon.
    label: ShortText,
    /// What a report says of the class.
    figures: ClassFigures,
    /// The answer to a entry for its average.
    average: StatisticText,
    /// The answer to a entry for all its statistics.
    statistics: StatisticText,
}

/// How a server answers students whom the book does not know.
#[derive(Clone, Default)]
pub enum UnknownStudent {
    /// Close the connection without a byte.
    #[default]
    Close,
    /// Say so.
    Error,
    /// Send a token that nobody can open, and make all answers equally long.
    Decoy(DecoyKeys),
}

/// What a request is about, where the class has it.
#[derive(Clone, Copy)]
enum Topic<'a> {
    Grades,
    /// An answer about one column.
    Class(usize, &'a StatisticText),
    Exams(&'a ExamAverage),
    Report,
}

impl Book {
    /// Answers a batch from this edition, all of it at the time `now`.
    pub fn answer(
        &self,
        mut requests: Requests,
        unknown: &UnknownStudent,
        now: Timestamp,
    ) -> Answers {
        requests.lookup(&self.roster);
        requests.resolve(self.edition, now, |request, place, text| {
            match (place.and_then(|place| self.roster.record(place)), unknown) {
                (Some(record), _) => self.tell(record, request.command, unknown, now, text),
                (None, UnknownStudent::Close) => Decision::Silence,
                (None, UnknownStudent::Error) => Decision::Reject(Rejection::UnknownStudent),
                (None, UnknownStudent::Decoy(decoy_keys)) => self.decoy(&request, decoy_keys, text),
            }
        })
    }

    /// Answers a batch of sealed requests from this edition, all of it at the time `now`.
    pub fn answer_sealed(
        &self,
        mut requests: Requests,
        verifier: &mut RequestVerifier,
        now: Timestamp,
    ) -> Answers {
        requests.lookup(&self.roster);
        let context = ReplyContext::of(self.edition, now);
        requests.resolve(self.edition, now, |Request { id, command }, place, text| {
            let Command::Sealed(token) = command else {
                return Decision::Reject(Rejection::Busy);
            };
            let record = place.and_then(|place| self.roster.record(place));
            let (key, old_key) = (record.map(Record::key), record.and_then(Record::old_key));
            let tries_two = self.roster.has_old_keys();
            let credentials = Credentials { id, key, old_key, tries_two, token };
            let start = text.len();
            let mut frame = sealed::EMPTY_FRAME;
            match (verifier.verify(&credentials, now, &mut frame), record) {
                (Verified::Authentic { request, status, with_old_key }, Some(record)) => {
                    let (command, status) = self.reply(record, &request, status, &context, text);
                    sealed::pad_reply(text, start);
                    let key = record.old_key().filter(|_| with_old_key).unwrap_or(record.key());
                    Decision::Reply { key: key.clone(), command, status }
                }
                (Verified::Unauthenticated(key), _) => {
                    sealed::pad_reply(text, start);
                    Decision::Decoy(key)
                }
                // Without a record there is no key that could have made it.
                (Verified::Authentic { .. }, None) => Decision::Reject(Rejection::Busy),
            }
        })
    }

    /// Appends the reply to a genuine sealed request. Gives the command that it held, and the status
    /// that it is told.
    fn reply(
        &self,
        record: Record<'_>,
        request: &SealedRequest<'_>,
        status: Status,
        context: &ReplyContext,
        text: &mut Vec<u8>,
    ) -> (Option<Command<()>>, Status) {
        let command = wire::sealed_command(request.command);
        let topic = command.and_then(|command| self.topic(command));
        let status = match (status, command, topic) {
            (Status::Ok, None, _) => Status::Command,
            (Status::Ok, Some(_), None) => Status::Assessment,
            (status, ..) => status,
        };
        sealed::write_reply_head(request, context, status, text);
        if let (Status::Ok, Some(topic)) = (status, topic) {
            self.write(record, topic, context.time, text);
        }
        (command.map(|command| command.map(drop)), status)
    }

    /// What a student would read in the answer to a request, for an instructor to look at.
    ///
    /// # Errors
    /// The [`Rejection`] that the request would get.
    pub fn preview(&self, request: &Request<'_>, now: Timestamp) -> Result<String, Rejection> {
        let mut slots = Vec::new();
        self.roster.lookup_batch(std::iter::once(Some(request.id)), &mut slots);
        let place = slots.first().and_then(|slot| slot.row);
        let record = place.and_then(|place| self.roster.record(place));
        let record = record.ok_or(Rejection::UnknownStudent)?;
        let topic = self.topic(request.command).ok_or(Rejection::NoAssessment)?;
        let mut text = Vec::new();
        self.write(record, topic, now, &mut text);
        String::from_utf8(text).map_err(|_| Rejection::Busy)
    }

    /// This book's number.
    pub fn edition(&self) -> EditionNumber {
        self.edition
    }

    /// How many students it holds.
    pub fn students(&self) -> usize {
        self.roster.len()
    }

    /// Who its students are, for comparing it with another edition.
    pub fn id_set(&self) -> IdSet {
        IdSet::from_ids(self.roster.records().map(Record::id))
    }

    /// The names of the assessments, in the order of the class file.
    pub fn assessments(&self) -> impl Iterator<Item = &str> {
        self.assessments.iter().map(|assessment| assessment.name.as_str())
    }

    /// The students in the order of the class file: ID, name, and marks as written there.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &str, impl Iterator<Item = &str>)> {
        self.roster.records().map(|record| {
            let marks = record.marks().map(|mark| mark.text.as_str());
            (record.id(), record.name(), marks)
        })
    }

    /// Binds a checked roster into a book. What it tells of the class depends on what the editions
    /// before have told.
    pub(crate) fn bind(
        edition: EditionNumber,
        names: Vec<String>,
        roster: Roster,
        policy: PrivacyPolicy,
        before: &ReleaseHistory,
    ) -> Self {
        let (statuses, history) = before.publish(edition, &names, &roster, policy);
        let renderer = Renderer { edition, policy };
        let exam_average = renderer.exam_average(&names, &statuses);
        let assessment = |(name, status): (String, &ReleaseStatus)| Assessment {
            label: format!("{}: ", deunicode::deunicode(&name)).into(),
            figures: renderer.figures(status),
            average: StatisticText::new(&format!("{name} average"), &renderer.mean(status)),
            statistics: StatisticText::new(&format!("{name} statistics"), &renderer.all(status)),
            name,
        };
        let assessments = names.into_iter().zip(&statuses).map(assessment).collect();
        let own_marks_only = policy.applies();
        let mut book = Self {
            edition,
            assessments,
            exam_average,
            own_marks_only,
            history,
            roster,
            report_bytes_max: 0,
        };
        book.report_bytes_max = book.longest_report_bytes();
        book
    }

    /// What this edition and those before it have told, for the next to go by.
    pub fn release_history(&self) -> &ReleaseHistory {
        &self.history
    }

    /// Tells a student what the command asks for.
    fn tell(
        &self,
        record: Record<'_>,
        command: Command<&str>,
        unknown: &UnknownStudent,
        now: Timestamp,
        text: &mut Vec<u8>,
    ) -> Decision {
        let start = text.len();
        let Some(topic) = self.topic(command) else {
            return Decision::Reject(Rejection::NoAssessment);
        };
        self.write(record, topic, now, text);
        if let UnknownStudent::Decoy(_) = unknown {
            self.pad(text, start, topic);
        }
        Decision::Disclose(record.key().clone())
    }

    /// Appends what a student may be told on a topic.
    fn write(&self, record: Record<'_>, topic: Topic<'_>, now: Timestamp, text: &mut Vec<u8>) {
        match topic {
            Topic::Grades => self.write_grades(record, text),
            Topic::Class(column, statistic) => {
                text.extend_from_slice(
                    statistic.for_student(self.may_see(record, column)).as_bytes(),
                );
            }
            Topic::Exams(exams) => self.write_exams(record, exams, text),
            // Writing numbers and texts to memory does not fail.
            Topic::Report => drop(serde_json::to_writer(text, &self.report(record, now))),
        }
    }

    /// Tells a student who does not exist nothing, in as many bytes as a student who does.
    fn decoy(&self, request: &Request<'_>, decoy_keys: &DecoyKeys, text: &mut Vec<u8>) -> Decision {
        let start = text.len();
        // What the class has not got is refused to everyone alike.
        let Some(topic) = self.topic(request.command) else {
            return Decision::Reject(Rejection::NoAssessment);
        };
        self.pad(text, start, topic);
        Decision::Decoy(decoy_keys.decoy_key(&request.id))
    }

    /// Pads the text that begins at `start` with blanks to a length that all answers on this topic
    /// have in common.
    fn pad(&self, text: &mut Vec<u8>, start: usize, topic: Topic<'_>) {
        let bytes = match topic {
            Topic::Report => self.report_bytes_max,
            Topic::Class(_, told) => {
                told.text.len().max(told.withheld.len()).max(LAB_ANSWER_BYTES_MAX)
            }
            Topic::Grades | Topic::Exams(_) => LAB_ANSWER_BYTES_MAX,
        };
        text.resize(text.len().max(start.saturating_add(bytes)), b' ');
    }

    /// Whether a student may see what the class's marks in a column come to.
    fn may_see(&self, record: Record<'_>, column: usize) -> bool {
        let own = || record.marks().nth(column).is_some_and(|mark| mark.value.is_some());
        !self.own_marks_only || own()
    }

    /// What a command is about, if this class has it.
    fn topic(&self, command: Command<&str>) -> Option<Topic<'_>> {
        let name = match command {
            Command::Grades => return Some(Topic::Grades),
            Command::Sealed(_) => return None,
            Command::Report => return Some(Topic::Report),
            Command::ExamAverage => return self.exam_average.as_ref().map(Topic::Exams),
            Command::MidtermAverage => "Midterm",
            Command::LabAverage(lab) => lab.column(),
            Command::Average(name) | Command::Statistics(name) => name,
        };
        let mut columns = self.assessments.iter().enumerate();
        let (column, assessment) = columns.find(|(_, assessment)| assessment.name == name)?;
        let told = match command {
            Command::Statistics(_) => &assessment.statistics,
            _ => &assessment.average,
        };
        Some(Topic::Class(column, told))
    }

    /// Tells of the exams: all of it to who has a mark in each of them. The average over all of them,
    /// told to anyone else, would with the others' averages give away that of the one they missed.
    fn write_exams(&self, record: Record<'_>, exams: &ExamAverage, text: &mut Vec<u8>) {
        let start = text.len();
        if exams.exams.iter().all(|(column, _)| self.may_see(record, *column)) {
            return text.extend_from_slice(exams.text.as_bytes());
        }
        text.extend_from_slice(b"Exam average: withheld (you have not all marks) (");
        for (at, (column, statistic)) in exams.exams.iter().enumerate() {
            if at > 0 {
                text.extend_from_slice(b", ");
            }
            text.extend_from_slice(statistic.for_student(self.may_see(record, *column)).as_bytes());
        }
        text.push(b')');
        shorten(text, start);
    }

    fn write_grades(&self, record: Record<'_>, text: &mut Vec<u8>) {
        let start = text.len();
        if self.assessments.is_empty() {
            text.extend_from_slice(b"no assessments yet");
        }
        let mut assessments = self.assessments.iter();
        // Not a loop: `for_each` looks once which width the cells have, a loop for every cell.
        record.marks().for_each(|mark| {
            if text.len() > start {
                text.extend_from_slice(b", ");
            }
            if let Some(assessment) = assessments.next() {
                assessment.label.append_to(text);
            }
            mark.text.append_to(text);
        });
        shorten(text, start);
    }

    fn report<'a>(&'a self, record: Record<'a>, now: Timestamp) -> Report<'a> {
        let lines = self.assessments.iter().zip(record.marks()).map(|(assessment, mark)| {
            let seen = !self.own_marks_only || mark.value.is_some();
            let figures = if seen { &assessment.figures } else { &NO_OWN_FIGURES };
            ReportLine { assessment: &assessment.name, mark: mark.value, class: figures }
        });
        Report {
            id: record.id(),
            name: record.name(),
            edition: self.edition.0,
            time: now.to_string(),
            assessments: lines.collect(),
        }
    }

    /// A bound for the length of every report: that of the first one, its own texts replaced by the
    /// longest of each.
    fn longest_report_bytes(&self) -> usize {
        /// The longest spelling of a byte in JSON, as `\u001b`.
        const ESCAPED_BYTES_MAX: usize = 6;
        /// The longest decimal: a sign, 12 digits, a point and 18 more.
        const MARK_BYTES_MAX: usize = 32;
        let names =
            self.roster.records().map(|record| record.name().len()).max().unwrap_or_default();
        let bytes = |json: serde_json::Result<Vec<u8>>| json.map_or(0, |json| json.len());
        let frame = self
            .roster
            .records()
            .next()
            .map_or(0, |first| bytes(serde_json::to_vec(&self.report(first, Timestamp(0)))));
        let figures = |assessment: &Assessment| bytes(serde_json::to_vec(&assessment.figures));
        let most_figures = self.assessments.iter().map(figures).fold(0, usize::saturating_add);
        let withheld = bytes(serde_json::to_vec(&NO_OWN_FIGURES)).saturating_add(MARK_BYTES_MAX);
        frame
            .saturating_add(StudentId::LENGTH_MAX)
            .saturating_add(names.saturating_mul(ESCAPED_BYTES_MAX))
            .saturating_add(most_figures)
            .saturating_add(self.assessments.len().saturating_mul(withheld))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{BatchLimits, Outcome};
    use crate::class_file::{ReadOptions, read_class_file};
    use crate::seal::Sealer;
    use crate::testing::{key, keyed};

    const LIMITS: BatchLimits = BatchLimits { requests: 64, output_bytes: 1 << 20 };
    const NOW: Timestamp = Timestamp(1_800_000_000);

    const CLASS: &str = "Name,ID Number,Key,Lab 1,Lab 2,Midterm,Exam 1,Exam 2\n\
                         Ada Invented,2100001,K1,3,9,17,5,8\n\
                         Bo Invented,2100002,K2,,10,12.5,4,\n\
                         Cy Invented,2100003,K3,4,,11,6,7\n";

    fn book_of(text: &str, population_min: u32) -> Book {
        let policy = PrivacyPolicy { population_min };
        let options = ReadOptions { bytes_max: 1 << 20, rows_max: 100, policy };
        read_class_file(
            keyed(text).as_bytes(),
            &options,
            EditionNumber(7),
            &ReleaseHistory::default(),
        )
        .unwrap()
    }

    /// What the student with the `n`-th invented key reads; in brackets what is no token.
    fn told(
        book: &Book,
        unknown: &UnknownStudent,
        n: u8,
        id: &str,
        command: Command<&str>,
    ) -> String {
        let mut requests = Requests::new(LIMITS);
        let id = StudentId::new(id.as_bytes()).unwrap();
        requests.push(Request { id, command });
        let replies = Sealer::new().unwrap().seal(book.answer(requests, unknown, NOW));
        assert_eq!(replies.edition(), EditionNumber(7));
        let (_, outcome, reply) = replies.iter().next().unwrap();
        let reply = std::str::from_utf8(reply).unwrap().trim_end();
        match outcome {
            Outcome::Answered | Outcome::Declined(_) | Outcome::Decoy => {
                let fernet = fernet::Fernet::new(&key(n)).unwrap();
                let text = fernet
                    .decrypt_at_time(reply, None, NOW.0)
                    .map(|text| String::from_utf8(text).unwrap());
                text.unwrap_or_else(|_| format!("[{} bytes for somebody else]", reply.len()))
            }
            Outcome::Rejected(rejection) => format!("[{}]", rejection.word()),
            Outcome::Silence => "[silence]".into(),
        }
    }

    fn asks(command: Command<&str>) -> String {
        told(&book_of(CLASS, 1), &UnknownStudent::Close, 1, "2100001", command)
    }

    fn seven(word: &str) -> Command<&'static str> {
        crate::request::LAB_COMMANDS.into_iter().find(|command| command.word() == word).unwrap()
    }

    #[test]
    fn a_student_s_grades_stand_in_file_order() {
        assert_eq!(asks(Command::Grades), "Lab 1: 3, Lab 2: 9, Midterm: 17, Exam 1: 5, Exam 2: 8");
    }

    #[test]
    fn a_blank_mark_is_shown_blank_and_left_out_of_the_average() {
        let book = book_of(CLASS, 1);
        let grades = told(&book, &UnknownStudent::Close, 2, "2100002", Command::Grades);
        assert_eq!(grades, "Lab 1: , Lab 2: 10, Midterm: 12.5, Exam 1: 4, Exam 2: ");
        assert_eq!(asks(seven("GL1A")), "Lab 1 average: 3.5");
        assert_eq!(asks(seven("GL2A")), "Lab 2 average: 9.5");
        assert_eq!(asks(seven("GMA")), "Midterm average: 13.5");
        assert_eq!(asks(seven("GEA")), "Exam average: 6 (Exam 1: 5, Exam 2: 7.5)");
        assert_eq!(asks(Command::Average("Exam 2")), "Exam 2 average: 7.5");
    }

    #[test]
    fn a_preview_is_what_the_student_reads() {
        let book = book_of(CLASS, 2);
        for command in [Command::Grades, seven("GL1A"), seven("GEA"), Command::Report] {
            for (n, id) in [(1, "2100001"), (2, "2100002")] {
                let request = Request { id: StudentId::new(id.as_bytes()).unwrap(), command };
                let read = told(&book, &UnknownStudent::Close, n, id, command);
                assert_eq!(book.preview(&request, NOW), Ok(read));
            }
        }
        let request = |id, command| Request { id: StudentId::new(id).unwrap(), command };
        let nobody = book.preview(&request(b"7", Command::Grades), NOW);
        assert_eq!(nobody, Err(Rejection::UnknownStudent));
        let nothing = book.preview(&request(b"2100001", Command::Average("x")), NOW);
        assert_eq!(nothing, Err(Rejection::NoAssessment));
    }

    #[test]
    fn what_the_class_has_not_got_is_refused() {
        assert_eq!(asks(seven("GL3A")), "[assessment]");
        assert_eq!(asks(Command::Average("Lab 9")), "[assessment]");
        assert_eq!(asks(Command::Average("lab 1")), "[assessment]");
        let book = book_of("Name,ID Number,Key\nAda,2100001,K1\n", 1);
        let ask = |command| told(&book, &UnknownStudent::Close, 1, "2100001", command);
        assert_eq!(ask(seven("GEA")), "[assessment]");
        assert_eq!(ask(seven("GMA")), "[assessment]");
        assert_eq!(ask(Command::Grades), "no assessments yet");
    }

    #[test]
    fn a_column_nobody_has_a_mark_in_has_no_average() {
        let book = book_of("Name,ID Number,Key,Lab 1\nAda,2100001,K1,\n", 1);
        let average = told(&book, &UnknownStudent::Close, 1, "2100001", seven("GL1A"));
        assert_eq!(average, "Lab 1 average: no marks yet");
    }

    #[test]
    fn an_average_of_too_few_marks_is_withheld_everywhere() {
        let book = book_of(CLASS, 3);
        let ask = |command| told(&book, &UnknownStudent::Close, 1, "2100001", command);
        assert_eq!(ask(seven("GMA")), "Midterm average: 13.5");
        assert_eq!(ask(seven("GL1A")), "Lab 1 average: withheld (fewer than 3 marks)");
        assert_eq!(
            ask(seven("GEA")),
            "Exam average: 5 (Exam 1: 5, Exam 2: withheld (fewer than 3 marks))",
            "the first 5 is of the second alone, or both would give Exam 2 away"
        );
        assert!(ask(Command::Report).contains("\"class\":{\"withheld\":\"fewer than 3 marks\"}"));
    }

    #[test]
    fn under_discretion_a_student_sees_only_what_they_have_a_mark_in() {
        let book = book_of(CLASS, 2);
        let bo = |command| told(&book, &UnknownStudent::Close, 2, "2100002", command);
        assert_eq!(bo(seven("GL1A")), "Lab 1 average: withheld (you have no mark in it)");
        assert_eq!(
            bo(Command::Statistics("Lab 1")),
            "Lab 1 statistics: withheld (you have no mark in it)"
        );
        assert_eq!(bo(seven("GMA")), "Midterm average: 13.5");
        assert_eq!(
            bo(seven("GEA")),
            "Exam average: withheld (you have not all marks) \
             (Exam 1: 5, Exam 2: withheld (you have no mark in it))"
        );
        let report: serde_json::Value = serde_json::from_str(&bo(Command::Report)).unwrap();
        assert_eq!(report["assessments"][0]["class"]["withheld"], "you have no mark in it");
        assert_eq!(report["assessments"][2]["class"]["mean"], 13.5);
        assert_eq!(report["assessments"][2]["class"]["edition"], 7);
        assert_eq!(report["assessments"][2]["class"]["min"], serde_json::Value::Null);
        let ada = told(&book, &UnknownStudent::Close, 1, "2100001", seven("GEA"));
        assert_eq!(ada, "Exam average: 6 (Exam 1: 5, Exam 2: 7.5)");
    }

    #[test]
    fn all_statistics_of_an_assessment_are_told_at_once() {
        assert_eq!(
            asks(Command::Statistics("Midterm")),
            "Midterm statistics: 3 marks, mean 13.5, median 12.5, min 11, quartiles 11 and 17, max 17, \
             deviation 2.55; 11 to 11: 1, 12.5 to 12.5: 1, 17 to 17: 1"
        );
        assert_eq!(asks(Command::Statistics("Midter")), "[assessment]");
    }

    #[test]
    fn a_report_is_one_json_document() {
        let text = told(&book_of(CLASS, 1), &UnknownStudent::Close, 2, "2100002", Command::Report);
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(report["id"], "2100002");
        assert_eq!(report["name"], "Bo Invented");
        assert_eq!(report["edition"], 7);
        assert_eq!(report["time"], "2027-01-15T08:00:00Z");
        let lab_1 = &report["assessments"][0];
        assert_eq!(lab_1["assessment"], "Lab 1");
        assert_eq!(lab_1["mark"], serde_json::Value::Null);
        assert_eq!(
            lab_1["class"],
            serde_json::json!({
                "count": 2, "mean": 3.5, "median": 3.5, "min": 3, "max": 4,
                "lower_quartile": 3, "upper_quartile": 4, "deviation": 0.5,
                "histogram": [
                    { "from": 3, "to": 3, "count": 1 },
                    { "from": 4, "to": 4, "count": 1 },
                ],
            })
        );
        assert_eq!(report["assessments"][2]["mark"], 12.5);
    }

    #[test]
    fn an_unknown_student_is_answered_as_the_settings_say() {
        let book = book_of(CLASS, 1);
        let ask = |unknown: &UnknownStudent| told(&book, unknown, 1, "9999999", Command::Grades);
        assert_eq!(ask(&UnknownStudent::Close), "[silence]");
        assert_eq!(ask(&UnknownStudent::Error), "[unknown]");
        assert_eq!(ask(&UnknownStudent::Decoy(DecoyKeys::new())), "[1016 bytes for somebody else]");
    }

    #[test]
    fn under_cover_every_answer_has_the_length_of_its_decoy() {
        let book = book_of(CLASS, 1);
        let decoy_keys = UnknownStudent::Decoy(DecoyKeys::new());
        let commands = [Command::Grades, seven("GMA"), Command::Average("Lab 2"), Command::Report];
        for command in commands {
            let known = told(&book, &decoy_keys, 9, "2100002", command);
            assert_eq!(told(&book, &decoy_keys, 9, "9999999", command), known, "{command:?}");
        }
        let read = told(&book, &decoy_keys, 1, "2100001", seven("GMA"));
        assert_eq!(read.trim_end(), "Midterm average: 13.5");
        assert_eq!(told(&book, &decoy_keys, 9, "9999999", Command::Average("no")), "[assessment]");
    }

    #[test]
    fn a_lab_answer_is_ascii_and_fits_what_lab_clients_read() {
        let names: Vec<_> = (1..=80).map(|n| format!("Exam \u{dc}bung {n}")).collect();
        let header = format!("Name,ID Number,Key,{}", names.join(","));
        let book = book_of(&format!("{header}\nAda,2100001,K1{}\n", ",7.25".repeat(80)), 1);
        for command in [Command::Grades, seven("GEA")] {
            let text = told(&book, &UnknownStudent::Close, 1, "2100001", command);
            assert!(text.is_ascii() && text.len() <= LAB_ANSWER_BYTES_MAX, "{text}");
            assert!(text.contains("Exam Ubung 1: 7.25, Exam Ubung 2"), "{text}");
            assert!(text.ends_with(": 7.25, ... (REPORT shows all)"), "{text}");
        }
    }
}
