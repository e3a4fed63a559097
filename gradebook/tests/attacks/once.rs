//! A mark is counted once, with the value that it then had, whatever happens to it later.

use gradebook::{Drawing, LastEdition, RedrawError, ReleaseHistory, StatisticDecision};
use serde_json::Value;

use super::class::{Marks, Term, ask, class, figures, named_class};
use gradebook::{Command, Publication};

fn marks_of(students: usize) -> Marks {
    (0..students).map(|n| vec![Some(u32::try_from(n % 11).unwrap())]).collect()
}

/// What was drawn, without the edition that the history goes up to.
fn draws(term: &Term) -> Value {
    term.drawn()["assessments"].clone()
}

#[test]
fn changed_blank_and_returning_marks_change_nothing_that_was_drawn() {
    let mut term = Term::new("4", 31);
    let first = term.publish(class(&marks_of(20)));
    let drawn = draws(&term);
    let mut changed = marks_of(20);
    for (n, row) in changed.iter_mut().enumerate() {
        // Blank, on hold (which reads as a blank), or another mark.
        row[0] = if n % 3 == 0 { None } else { Some(10) };
    }
    for marks in [&changed, &marks_of(20), &changed[..10].to_vec(), &marks_of(20)] {
        let book = term.publish(class(marks));
        assert_eq!(draws(&term), drawn);
        assert_eq!(figures(&book, 1), figures(&first, 1));
    }
}

#[test]
fn fewer_marks_than_a_quarter_of_the_class_wait() {
    let mut term = Term::new("4", 32);
    let mut marks = vec![vec![None]; 40];
    let counts = |term: &Term| -> Vec<u64> {
        let drawn = draws(term);
        let batches = drawn[0]["draws"][0]["batches"].as_array().cloned().unwrap_or_default();
        batches.iter().map(|batch| batch["count"].as_u64().unwrap()).collect()
    };
    for (filled, batches) in
        [(9, vec![]), (10, vec![10]), (19, vec![10]), (21, vec![10, 11]), (40, vec![10, 11, 19])]
    {
        for (n, row) in marks.iter_mut().enumerate().take(filled) {
            row[0] = Some(u32::try_from(n % 11).unwrap());
        }
        let book = term.publish(class(&marks));
        assert_eq!(counts(&term), batches, "{filled} marks");
        if filled == 9 {
            assert_eq!(figures(&book, 0)[0]["withheld"], "fewer than 10 marks");
        }
    }
    let average = Command::Average("Quiz 0");
    let book = term.publish(class(&marks));
    let text = ask(&book, 0, average);
    assert!(text.starts_with("Quiz 0 average: about "), "{text}");
    assert!(text.contains(" of 10 (give or take 0.") && text.contains("(as of "), "{text}");
}

#[test]
fn a_column_that_is_gone_and_returns_shows_its_old_figures() {
    let mut term = Term::new("4", 33);
    let first = term.publish(class(&marks_of(20)));
    term.publish(named_class(&marks_of(20), &|_| "Other".to_owned()));
    let back = term.publish(class(&marks_of(20)));
    assert_eq!(figures(&back, 0), figures(&first, 0));
}

#[test]
fn a_redraw_counts_all_marks_anew_once() {
    let mut term = Term::new("4", 34);
    let first = term.publish(class(&marks_of(20)));
    let regraded = class(&vec![vec![Some(9)]; 20]);
    let decisions = term.decide(&regraded, Drawing::Again("Quiz 0"));
    let stamp = term.stamp();
    assert!(decisions.of(stamp.number).eq([StatisticDecision::Released]));
    let second = gradebook::Book::of_edition(regraded, stamp, &decisions);
    assert_ne!(figures(&second, 0)[0]["mean"], figures(&first, 0)[0]["mean"]);
    assert_eq!(figures(&second, 0)[0]["count"], 20);
    assert_eq!(draws(&term)[0]["draws"].as_array().unwrap().len(), 2, "the first one is kept");
    let refused = |name: &'static str, term: &Term| {
        let class = class(&marks_of(20));
        let drawing = Drawing::Again(name);
        let publication = Publication { stamp, class: &class, policy: term.policy, drawing };
        term.history.plan(publication).err()
    };
    assert_eq!(refused("Quiz 0", &term), Some(RedrawError::DrawnTwice));
    assert_eq!(refused("Quiz 7", &term), Some(RedrawError::Unknown));
    assert_eq!(refused("Quiz 0", &Term::new("4", 1)), Some(RedrawError::NotDrawn));
}

#[test]
fn nothing_is_drawn_into_a_new_history_until_a_command_confirms_it() {
    let mut term = Term::new("4", 35);
    let class = class(&marks_of(20));
    term.decide(&class, Drawing::AsConfirmed);
    assert!(term.history.drawn_out_of("Quiz 0").is_none() && !term.history.is_confirmed());
    term.decide(&class, Drawing::Confirmed);
    assert!(term.history.drawn_out_of("Quiz 0").is_some() && term.history.is_confirmed());
}

#[test]
fn a_forecast_tells_what_will_be_released_and_how_uncertain_it_is() {
    let term = Term::new("4", 36);
    let class = class(&marks_of(20));
    let publication = Publication {
        stamp: term.stamp(),
        class: &class,
        policy: term.policy,
        drawing: Drawing::Confirmed,
    };
    let plan = term.history.plan(publication).unwrap();
    assert!(plan.draws());
    let [forecast] = plan.forecasts().collect::<Vec<_>>()[..] else { panic!("one assessment") };
    assert_eq!(forecast.decision, StatisticDecision::Released);
    assert_eq!(forecast.uncertainty.unwrap().to_string(), "0.39");
}

#[test]
fn a_damaged_history_is_refused_and_a_sound_one_is_read_as_it_was() {
    let mut term = Term::new("2.5", 37);
    term.publish(class(&marks_of(70)));
    let last = LastEdition { number: term.stamp().number, ..LastEdition::default() };
    let text = term.history.to_json(last);
    let (read, up_to) = ReleaseHistory::from_json(&text).unwrap();
    assert_eq!((up_to, read.to_json(up_to)), (last, text.clone()));
    for cut in 0..text.len() {
        assert!(ReleaseHistory::from_json(&text[..cut]).is_err(), "cut at {cut}");
    }
    let text = String::from_utf8(text).unwrap();
    for (sound, damaged) in [
        ("\"form\":2", "\"form\":3"),
        ("\"range\":1000", "\"range\":0"),
        ("\"budget\":\"2.5\"", "\"budget\":\"0\""),
        ("\"count\":70", "\"count\":0"),
        ("\"sum\":\"", "\"sum\":\"x"),
        ("\"bins\":[\"", "\"bins\":[\"1\",\""),
    ] {
        let damaged = text.replace(sound, damaged);
        assert!(
            damaged != text && ReleaseHistory::from_json(damaged.as_bytes()).is_err(),
            "{sound}"
        );
    }
}
