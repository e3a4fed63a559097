//! Editions that were kept, and answer again in a later process.

use super::*;
use crate::statistics::{Decisions, StatisticDecision};

#[test]
fn an_edition_answers_as_it_did_when_it_was_published() {
    let stamp = EditionNumber(7).published_at(NOW);
    let unknown = UnknownStudent::Error;
    for population_min in [1, 2, 3] {
        let policy = PrivacyPolicy { population_min };
        let earlier = ReleaseHistory::default();
        let (decisions, history) = earlier.decide(stamp, &class_of(CLASS), policy);
        let published = Book::of_edition(class_of(CLASS), stamp, &decisions, history.clone());
        let kept = Decisions::from_json(&decisions.to_json(), 5).unwrap();
        let again = Book::of_edition(class_of(CLASS), stamp, &kept, history);
        for (n, id) in [(1, "2100001"), (2, "2100002"), (3, "2100003")] {
            let average = Command::Average("Lab 2");
            let statistics = Command::Statistics("Exam 1");
            for command in
                [Command::Grades, Command::ExamAverage, Command::Report, average, statistics]
            {
                let answer_of = |book| answer(book, &unknown, n, id, command);
                assert_eq!(answer_of(&again), answer_of(&published), "{id} of {population_min}");
            }
        }
    }
}

#[test]
fn a_student_without_a_key_changes_no_statistic() {
    let stamp = EditionNumber(7).published_at(NOW);
    let policy = PrivacyPolicy { population_min: 1 };
    let earlier = ReleaseHistory::default();
    let (decisions, history) = earlier.decide(stamp, &class_of(CLASS), policy);
    let without_cy = Book::of_edition(class_of(&CLASS[..3]), stamp, &decisions, history);
    let text =
        answer(&without_cy, &UnknownStudent::Error, 1, "2100001", Command::Average("Exam 1"));
    assert_eq!(text, "Exam 1 average: 5", "of the marks 5, 4 and 6");
}

#[test]
fn decisions_about_other_assessments_or_of_another_form_are_refused() {
    let stamp = EditionNumber(7).published_at(NOW);
    let policy = PrivacyPolicy { population_min: 2 };
    let (decisions, _) = ReleaseHistory::default().decide(stamp, &class_of(CLASS), policy);
    let text = decisions.to_json();
    assert!(Decisions::from_json(&text, 4).is_err());
    for end in 0..text.len() {
        assert!(Decisions::from_json(&text[..end], 5).is_err(), "cut at {end}");
    }
    let other = String::from_utf8(text).unwrap().replace("\"form\":1", "\"form\":2");
    assert!(Decisions::from_json(other.as_bytes(), 5).is_err());
}

#[test]
fn a_later_edition_knows_which_figures_are_its_own() {
    let [one, two] = [7, 8].map(|number| EditionNumber(number).published_at(NOW));
    let policy = PrivacyPolicy { population_min: 2 };
    let (_, history) = ReleaseHistory::default().decide(one, &class_of(CLASS), policy);
    let (decisions, _) = history.decide(two, &class_of(CLASS), policy);
    let of = |edition| decisions.of(EditionNumber(edition)).collect::<Vec<_>>();
    assert!(of(8).iter().all(|decision| *decision != StatisticDecision::Released));
    assert!(of(7).contains(&StatisticDecision::Released));
    assert!(of(8).contains(&StatisticDecision::Kept));
    let only = decisions.clone().only(&[false, true, false, false, true]);
    let expected = [of(7)[1], of(7)[4]];
    assert!(only.of(EditionNumber(7)).eq(expected));
    assert!(Decisions::from_json(&only.to_json(), 2).is_ok());
}
