//! A class of 20, which spends the whole budget on the mean. The attacker looks for the mark of the first student, and
//! knows all others.

use super::class::{Marks, Term, class, figures};
use super::{COLUMNS, OUT_OF, Seeded, most_successes, naming, telling};

const STUDENTS: usize = 20;

/// Invented marks. The first student's are drawn from these.
fn marks_with(victim: &[u32], seed: u64) -> (Marks, Vec<u32>) {
    let mut random = Seeded::new(seed);
    let choices = u32::try_from(victim.len() - 1).unwrap();
    let mut marks: Marks =
        (0..STUDENTS).map(|_| (0..COLUMNS).map(|_| Some(random.up_to(OUT_OF))).collect()).collect();
    let secrets: Vec<u32> =
        (0..COLUMNS).map(|_| victim[usize::try_from(random.up_to(choices)).unwrap()]).collect();
    marks[0] = secrets.iter().copied().map(Some).collect();
    (marks, secrets)
}

/// The sum of the marks that the attacker knows, by column.
fn known(marks: &Marks, students: std::ops::Range<usize>) -> Vec<f64> {
    let column =
        |column| marks[students.clone()].iter().filter_map(move |row| row[column]).sum::<u32>();
    (0..COLUMNS).map(|at| f64::from(column(at))).collect()
}

/// How often the nearest of the possible marks is the right one.
fn successes(rests: &[f64], secrets: &[u32], possible: &[u32]) -> f64 {
    let nearest = |rest: f64| {
        let distance = |mark: &&u32| (rest - f64::from(**mark)).abs();
        *possible.iter().min_by(|one, other| distance(one).total_cmp(&distance(other))).unwrap()
    };
    let right = rests.iter().zip(secrets).filter(|(rest, secret)| nearest(**rest) == **secret);
    right.count() as f64
}

fn every_mark() -> Vec<u32> {
    (0..=OUT_OF).collect()
}

/// The rests of the sums that were drawn, and of the means that are shown.
fn rests(budget: &str, marks: &Marks, seed: u64) -> (Vec<f64>, Vec<f64>) {
    let mut term = Term::new(budget, seed);
    let book = term.publish(class(marks));
    let known = known(marks, 1..STUDENTS);
    let drawn = term.sums().iter().zip(&known).map(|(sums, known)| sums[0] - known).collect();
    let shown = figures(&book, 5);
    let shown = shown.iter().zip(&known).map(|(figures, known)| {
        assert_eq!(figures["count"], STUDENTS);
        figures["mean"].as_f64().unwrap() * STUDENTS as f64 - known
    });
    let shown = shown.collect();
    (drawn, shown)
}

#[test]
fn naming_a_mark_succeeds_no_more_often_than_it_must() {
    let (marks, secrets) = marks_with(&every_mark(), 1);
    let (drawn, shown) = rests("4", &marks, 2);
    for rests in [drawn, shown] {
        let right = successes(&rests, &secrets, &every_mark());
        assert!(right <= most_successes(naming(4.0)), "{right}");
        assert!(right > COLUMNS as f64 * naming(4.0) * 0.8, "{right}: the attack works");
    }
}

#[test]
fn telling_no_points_from_full_points_succeeds_no_more_often_than_it_must() {
    let (marks, secrets) = marks_with(&[0, OUT_OF], 3);
    let (drawn, shown) = rests("4", &marks, 4);
    for rests in [drawn, shown] {
        let right = successes(&rests, &secrets, &[0, OUT_OF]);
        assert!(right <= most_successes(telling(4.0)), "{right}");
    }
}

#[test]
fn marks_that_are_entered_one_by_one_are_told_no_better() {
    // Ten marks are counted; ten come one by one, and the file is published after each.
    let (marks, secrets) = marks_with(&every_mark(), 5);
    let mut term = Term::new("4", 6);
    let order: Vec<usize> = (10..STUDENTS).chain([0]).chain(1..10).collect();
    for entered in 10..=STUDENTS {
        let mut some = vec![vec![None; COLUMNS]; STUDENTS];
        for student in order.iter().take(entered) {
            some[*student].clone_from(&marks[*student]);
        }
        term.publish(class(&some));
    }
    let sums = term.sums();
    // A batch has at least five marks; the first student is the first of the second batch.
    assert!(sums.iter().all(|batches| batches.len() == 3), "ten, five and five");
    let known = known(&marks, 1..5);
    let rests: Vec<_> =
        sums.iter().zip(&known).map(|(batches, known)| batches[1] - known).collect();
    let right = successes(&rests, &secrets, &every_mark());
    assert!(right <= most_successes(naming(4.0)), "{right}");
    assert!(right > COLUMNS as f64 * naming(4.0) * 0.8, "{right}: the attack works");
}

#[test]
fn a_total_beside_its_parts_costs_what_the_document_says() {
    // The first student's mark is in a lab, and in a total that is as wide and half lab: the budget of the lab, and
    // half of it again.
    let (marks, secrets) = marks_with(&[0, OUT_OF], 7);
    let (labs, _) = rests("4", &marks, 8);
    let halves: Marks = marks
        .iter()
        .map(|row| row.iter().map(|mark| mark.map(|mark| mark / 2)).collect())
        .collect();
    let known_halves = known(&halves, 1..STUDENTS);
    let mut term = Term::new("4", 9);
    term.publish(class(&halves));
    let totals: Vec<_> =
        term.sums().iter().zip(&known_halves).map(|(sums, known)| sums[0] - known).collect();
    // The likelihoods of two Laplace noises of the scale 2.5 multiply.
    let scale = 2.5;
    let right = (0..COLUMNS).filter(|column| {
        let distance = |lab: f64, half: f64| {
            ((labs[*column] - lab).abs() + (totals[*column] - half).abs()) / scale
        };
        let is_full = distance(10.0, 5.0) < distance(0.0, 0.0);
        is_full == (secrets[*column] == OUT_OF)
    });
    let right = right.count() as f64;
    // No attacker does better than with one sum of the budget of both.
    assert!(right <= most_successes(telling(6.0)), "{right}");
    assert!(right > COLUMNS as f64 * telling(4.0), "{right}: the total helps");
}

/// Each planted fault makes an attack succeed more often than it may.
#[test]
fn wrong_noise_and_marks_counted_twice_would_be_noticed() {
    let (marks, secrets) = marks_with(&[0, OUT_OF], 10);
    let right = |rests: &[f64]| successes(rests, &secrets, &[0, OUT_OF]);
    let limit = most_successes(telling(4.0));
    // Noise halved is noise of twice the budget, and noise times 0.8 noise of 5.
    for (budget, seed) in [("8", 11), ("5", 16)] {
        let (drawn, _) = rests(budget, &marks, seed);
        assert!(right(&drawn) > limit, "budget {budget}");
    }
    // Drawn twice: the mean of two draws.
    let (once, _) = rests("4", &marks, 12);
    let (again, _) = rests("4", &marks, 13);
    assert!(right(&once) <= limit && right(&again) <= limit);
    let both = once.iter().zip(&again).map(|(one, other)| f64::midpoint(*one, *other));
    assert!(right(&both.collect::<Vec<_>>()) > limit, "drawn twice");
    // Counted twice: the mark stands in the sum with twice its weight.
    let twice = once.iter().zip(&secrets).map(|(rest, secret)| (rest + f64::from(*secret)) / 2.0);
    assert!(right(&twice.collect::<Vec<_>>()) > limit, "counted twice");
}

#[test]
fn a_class_of_five_is_shown_nothing() {
    let marks: Marks = [2, 5, 6, 9, 10].iter().map(|mark| vec![Some(*mark)]).collect();
    let book = Term::new("4", 14).publish(class(&marks));
    assert_eq!(figures(&book, 0)[0]["withheld"], "too uncertain to say anything");
}
