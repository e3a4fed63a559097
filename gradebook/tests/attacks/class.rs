//! A class of many columns, and what is published and drawn of it over a term.

use fernet::Fernet;
use fernet_batch::{Key, Sealer, StudentKeys, Timestamp};
use gradebook::{
    Assessment, AssessmentRelease, BatchLimits, Book, Budget, Class, Command, Decimal, Decisions,
    Drawing, EditionNumber, LastEdition, Mark, PrivacyPolicy, Publication, ReleaseHistory, Request,
    Requests, RosterBuilder, StatisticsMode, StudentId, UnknownStudent,
};
use serde_json::Value;

use super::{OUT_OF, Seeded};

pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000);

/// The marks of a class, by student and column; `None` is a blank.
pub(crate) type Marks = Vec<Vec<Option<u32>>>;

/// A term: what was published and drawn so far.
pub(crate) struct Term {
    pub(crate) history: ReleaseHistory,
    pub(crate) policy: PrivacyPolicy,
    pub(crate) edition: u64,
    pub(crate) random: Seeded,
}

pub(crate) fn policy(budget: &str) -> PrivacyPolicy {
    let budget = Budget::new(Decimal::parse(budget).unwrap()).unwrap();
    PrivacyPolicy { population_min: 5, mode: StatisticsMode::Private(budget) }
}

pub(crate) fn key(n: usize) -> String {
    use base64::Engine;
    let mut key = [9; 32];
    key[..8].copy_from_slice(&(n + 1).to_be_bytes());
    base64::engine::general_purpose::URL_SAFE.encode(key)
}

/// A class with these marks, in which the columns are called `Quiz 0`, `Quiz 1` and so on.
pub(crate) fn class(marks: &Marks) -> Class {
    named_class(marks, &|column| format!("Quiz {column}"))
}

pub(crate) fn named_class(marks: &Marks, name: &dyn Fn(usize) -> String) -> Class {
    let columns = marks[0].len();
    let out_of = Some(Decimal::from(OUT_OF));
    let assessments = (0..columns).map(|column| Assessment {
        name: name(column),
        out_of,
        release: AssessmentRelease::Released,
    });
    let mut builder = RosterBuilder::new(assessments);
    for (n, row) in marks.iter().enumerate() {
        let id = (2_100_000 + n).to_string();
        let id = StudentId::new(id.as_bytes()).unwrap();
        let keys = StudentKeys::new(Key::parse(key(n).as_bytes()).unwrap());
        let mark = |mark: &Option<u32>| mark.map_or(Mark::Blank, |mark| Mark::Number(mark.into()));
        builder.add(&id, "Some One", keys, row.iter().map(mark)).unwrap();
    }
    builder.finish().ok().unwrap()
}

impl Term {
    pub(crate) fn new(budget: &str, seed: u64) -> Self {
        Self {
            history: ReleaseHistory::default(),
            policy: policy(budget),
            edition: 0,
            random: Seeded::new(seed),
        }
    }

    /// Publishes a class, as the command does.
    pub(crate) fn publish(&mut self, class: Class) -> Book {
        let decisions = self.decide(&class, Drawing::Confirmed);
        Book::of_edition(class, self.stamp(), &decisions)
    }

    /// Decides about the statistics of a class, and draws.
    pub(crate) fn decide(&mut self, class: &Class, drawing: Drawing<'_>) -> Decisions {
        self.edition += 1;
        let publication = Publication { stamp: self.stamp(), class, policy: self.policy, drawing };
        let plan = self.history.plan(publication).unwrap();
        let (decisions, history) = plan.draw(&mut self.random).unwrap();
        self.history = history;
        decisions
    }

    pub(crate) fn stamp(&self) -> gradebook::EditionStamp {
        EditionNumber(self.edition).published_at(Timestamp(NOW.0 + self.edition))
    }

    /// Everything that was drawn, as it is kept.
    pub(crate) fn drawn(&self) -> Value {
        let last = LastEdition { number: EditionNumber(self.edition), ..LastEdition::default() };
        serde_json::from_slice(&self.history.to_json(last)).unwrap()
    }

    /// The noisy sums of the batches of each column, in points.
    pub(crate) fn sums(&self) -> Vec<Vec<f64>> {
        let sum = |batch: &Value| batch["sum"].as_str().unwrap().parse::<f64>().unwrap() / 100.0;
        self.batches(sum)
    }

    /// The noisy counts of the bins of the first batch of each column.
    pub(crate) fn bins(&self) -> Vec<Vec<f64>> {
        let count = |count: &Value| count.as_str().unwrap().parse().unwrap();
        let bins =
            self.batches(|batch| batch["bins"].as_array().unwrap().iter().map(count).collect());
        bins.into_iter().map(|mut batches: Vec<Vec<f64>>| batches.remove(0)).collect()
    }

    fn batches<T>(&self, read: impl Fn(&Value) -> T) -> Vec<Vec<T>> {
        let drawn = self.drawn();
        let assessments = drawn["assessments"].as_array().unwrap().iter();
        let batches = assessments.map(|assessment| {
            let draws = assessment["draws"].as_array().unwrap();
            draws
                .iter()
                .flat_map(|draw| draw["batches"].as_array().unwrap().iter().map(&read))
                .collect()
        });
        batches.collect()
    }
}

/// The answer that student `n` reads.
pub(crate) fn ask(book: &Book, n: usize, command: Command<&str>) -> String {
    let mut requests = Requests::new(BatchLimits { requests: 1, output_bytes: 1 << 20 });
    let id = (2_100_000 + n).to_string();
    requests.push(Request { id: StudentId::new(id.as_bytes()).unwrap(), command });
    let answers = book.answer(requests, &UnknownStudent::Close, NOW);
    let replies = answers.seal(&mut Sealer::new().unwrap());
    let token = std::str::from_utf8(replies.bytes()).unwrap().trim_end();
    let text = Fernet::new(&key(n)).unwrap().decrypt_at_time(token, None, NOW.0).unwrap();
    String::from_utf8(text).unwrap()
}

/// What student `n` reads of the class in each column.
pub(crate) fn figures(book: &Book, n: usize) -> Vec<Value> {
    let report: Value = serde_json::from_str(&ask(book, n, Command::Report)).unwrap();
    let assessments = report["assessments"].as_array().unwrap().iter();
    assessments.map(|assessment| assessment["class"].clone()).collect()
}
