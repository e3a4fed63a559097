//! Editions that were kept, and answer again in a later process.

use super::*;
use crate::statistics::{Budget, Decisions, StatisticDecision, StatisticsMode};
use crate::values::Decimal;
use fernet_batch::SystemRandomness;

fn exact(population_min: u32) -> PrivacyPolicy {
    PrivacyPolicy { population_min, ..PrivacyPolicy::EXACT }
}

fn private(population_min: u32) -> PrivacyPolicy {
    let budget = Budget::new(Decimal::from(4)).unwrap();
    PrivacyPolicy { population_min, mode: StatisticsMode::Private(budget) }
}

/// What is decided about a class, the first of its history.
fn decided(policy: PrivacyPolicy) -> (Decisions, ReleaseHistory) {
    let class = class_of(CLASS);
    let stamp = EditionNumber(7).published_at(NOW);
    let publication = Publication { stamp, class: &class, policy, drawing: Drawing::Confirmed };
    let plan = ReleaseHistory::default().plan(publication).unwrap();
    plan.draw(&mut SystemRandomness).unwrap()
}

#[test]
fn an_edition_answers_as_it_did_when_it_was_published() {
    let stamp = EditionNumber(7).published_at(NOW);
    let unknown = UnknownStudent::Error;
    for policy in [exact(1), exact(2), exact(3), private(1), private(3)] {
        let (decisions, _) = decided(policy);
        let published = Book::of_edition(class_of(CLASS), stamp, &decisions);
        let kept = Decisions::from_json(&decisions.to_json(), 5).unwrap();
        assert_eq!(kept.policy(), policy);
        let again = Book::of_edition(class_of(CLASS), stamp, &kept);
        for (n, id) in [(1, "2100001"), (2, "2100002"), (3, "2100003")] {
            let average = Command::Average("Lab 2");
            let statistics = Command::Statistics("Exam 1");
            for command in
                [Command::Grades, Command::ExamAverage, Command::Report, average, statistics]
            {
                let answer_of = |book| answer(book, &unknown, n, id, command);
                assert_eq!(answer_of(&again), answer_of(&published), "{id} of {policy:?}");
            }
        }
    }
}

#[test]
fn a_student_without_a_key_changes_no_statistic() {
    let stamp = EditionNumber(7).published_at(NOW);
    let (decisions, _) = decided(exact(1));
    let without_cy = Book::of_edition(class_of(&CLASS[..3]), stamp, &decisions);
    let text =
        answer(&without_cy, &UnknownStudent::Error, 1, "2100001", Command::Average("Exam 1"));
    assert_eq!(text, "Exam 1 average: 5", "of the marks 5, 4 and 6");
}

#[test]
fn decisions_about_other_assessments_or_of_another_form_are_refused() {
    let text = decided(exact(2)).0.to_json();
    assert!(Decisions::from_json(&text, 4).is_err());
    for end in 0..text.len() {
        assert!(Decisions::from_json(&text[..end], 5).is_err(), "cut at {end}");
    }
    let other = String::from_utf8(text).unwrap().replace("\"form\":2", "\"form\":3");
    assert!(Decisions::from_json(other.as_bytes(), 5).is_err());
}

#[test]
fn an_edition_knows_which_figures_are_its_own() {
    let (decisions, _) = decided(exact(3));
    let of = |edition| decisions.of(EditionNumber(edition)).collect::<Vec<_>>();
    assert!(of(8).iter().all(|decision| *decision != StatisticDecision::Released));
    assert!(of(7).contains(&StatisticDecision::Released));
    assert!(of(8).contains(&StatisticDecision::Kept));
    assert!(of(7).contains(&StatisticDecision::Withheld));
    let only = decisions.clone().only(&[false, true, false, false, true]);
    let expected = [of(7)[1], of(7)[4]];
    assert!(only.of(EditionNumber(7)).eq(expected));
    assert!(Decisions::from_json(&only.to_json(), 2).is_ok());
}
