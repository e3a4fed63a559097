//! What a content shows less than the current edition: new holds, and assessments that are withdrawn or
//! released later. It takes effect at once, also while the rest of the content waits or is held.

use fernet_batch::Timestamp;
use gradebook::{Assessment, AssessmentRelease, Mark};

use crate::content::Content;

/// What a course file says about what students may see, apart from any class file.
#[derive(Clone, Debug, Default)]
pub struct Restrictions {
    /// The students with marks on hold, and the assessments of these marks; `None` stands for all.
    pub holds: Vec<(String, Option<Vec<String>>)>,
    /// The assessments, and when students may see them.
    pub releases: Vec<(String, AssessmentRelease)>,
}

impl Content {
    /// This content with what the restrictions show less from the time `now` on; `None` if that is nothing. Students
    /// and assessments that it does not have are left out.
    #[must_use]
    pub fn restricted_to(&self, restrictions: &Restrictions, now: Timestamp) -> Option<Self> {
        let mut restricted = self.clone();
        let mut is_less = false;
        for (name, release) in &restrictions.releases {
            is_less |= restricted.release_later(name, *release, now);
        }
        let all: Vec<String> = self.names().map(str::to_owned).collect();
        for (id, assessments) in &restrictions.holds {
            for name in assessments.as_ref().unwrap_or(&all) {
                is_less |= restricted.hold(id, name);
            }
        }
        is_less.then(|| restricted.normalized())
    }

    /// Applies a release if it shows less than that of the assessment. Returns whether it does.
    fn release_later(&mut self, name: &str, release: AssessmentRelease, now: Timestamp) -> bool {
        let mut named = self.assessments_mut().filter(|assessment| assessment.name == name);
        let assessment = named.next();
        let Some(assessment) =
            assessment.filter(|assessment| shows_less(release, assessment.release, now))
        else {
            return false;
        };
        assessment.release = release;
        true
    }

    /// This content with what `next` shows less from the time `now` on, and nothing else of it; `None` if
    /// that is nothing.
    #[must_use]
    pub fn restricted_by(&self, next: &Self, now: Timestamp) -> Option<Self> {
        let mut restricted = self.clone();
        let mut is_less = false;
        for Assessment { name, release, .. } in next.assessments() {
            is_less |= restricted.release_later(name, *release, now);
        }
        is_less |= restricted.take_holds_of(next);
        is_less.then(|| restricted.normalized())
    }

    /// This content with the marks on hold that are on hold in another one.
    #[must_use]
    pub fn with_holds_of(&self, other: &Self) -> Self {
        let mut content = self.clone();
        content.take_holds_of(other);
        content.normalized()
    }

    /// This content as it was shown at a time: assessments that would be visible `now`, and were not then,
    /// are hidden.
    #[must_use]
    pub fn shown_as_of(&self, then: Timestamp, now: Timestamp) -> Self {
        let mut content = self.clone();
        for assessment in content.assessments_mut() {
            if assessment.release.is_released(now) && !assessment.release.is_released(then) {
                assessment.release = AssessmentRelease::Hidden;
            }
        }
        content
    }

    /// Returns true if a mark is put on hold.
    fn take_holds_of(&mut self, other: &Self) -> bool {
        let mut is_less = false;
        for student in other.each() {
            let columns = other.names().enumerate().filter(|(at, _)| student.is_on_hold(*at));
            for (_, name) in columns {
                is_less |= self.hold(student.id(), name);
            }
        }
        is_less
    }

    /// Puts the mark of a student in an assessment on hold. Returns false if there is no such mark, or it
    /// was on hold.
    fn hold(&mut self, id: &str, assessment: &str) -> bool {
        let Some(at) = self.column(assessment) else { return false };
        let blank = self.place_of(Mark::Blank);
        self.student_mut(id).is_some_and(|student| student.hold(at, blank))
    }
}

/// Returns true if an assessment is visible later, or not at all, under a release than under another. What
/// was over before `now` is the same under both.
fn shows_less(release: AssessmentRelease, than: AssessmentRelease, now: Timestamp) -> bool {
    if release.is_released(now) {
        return false;
    }
    match (release, than) {
        (_, AssessmentRelease::Hidden) | (AssessmentRelease::Released, _) => false,
        (AssessmentRelease::Hidden, _)
        | (AssessmentRelease::From(_), AssessmentRelease::Released) => true,
        (AssessmentRelease::From(later), AssessmentRelease::From(earlier)) => later > earlier,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::difference::Difference;
    use crate::testing::{content, released};

    const NOW: Timestamp = Timestamp(5);
    const NEVER: AssessmentRelease = AssessmentRelease::Hidden;
    const ALWAYS: AssessmentRelease = AssessmentRelease::Released;

    fn from(moment: u64) -> AssessmentRelease {
        AssessmentRelease::From(Timestamp(moment))
    }

    #[test]
    fn a_new_hold_takes_the_mark_and_the_comment_and_nothing_else() {
        let base = content("Lab 1,Lab 2", &["1 Ada 7 4", "2 Bo 8 5"]);
        let next = content("Lab 1,Lab 2", &["1 Ada hold 9", "2 Bo 3 5", "3 Cy 1 1"]);
        let restricted = base.restricted_by(&next, NOW).unwrap();
        assert!(restricted == content("Lab 1,Lab 2", &["1 Ada hold 4", "2 Bo 8 5"]));
        assert!(restricted.restricted_by(&next, NOW).is_none(), "it is in place");
        assert!(Content::from_bytes(&restricted.to_bytes()).is_ok_and(|read| read == restricted));
        let difference = Difference::between(Some(&base), &restricted, Timestamp(0));
        assert!(difference.is_empty(), "a mark on hold is not cleared");
    }

    #[test]
    fn restrictions_of_a_course_file_apply_to_students_and_assessments_that_a_class_file_may_lack()
    {
        let base = content("Lab 1,Lab 2", &["1 Ada 7 4", "2 Bo 8 5"]);
        let hold = |id: &str, names: Option<&[&str]>| {
            let names = names.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
            Restrictions { holds: vec![(id.to_owned(), names)], ..Restrictions::default() }
        };
        let restricted = |restrictions: &Restrictions| base.restricted_to(restrictions, NOW);
        let all = restricted(&hold("1", None)).unwrap();
        assert!(all == content("Lab 1,Lab 2", &["1 Ada hold hold", "2 Bo 8 5"]));
        let one = restricted(&hold("2", Some(&["Lab 2", "Lab 9"]))).unwrap();
        assert!(one == content("Lab 1,Lab 2", &["1 Ada 7 4", "2 Bo 8 hold"]));
        assert!(restricted(&hold("3", None)).is_none());
        let release = |release| Restrictions {
            releases: vec![("Lab 1".to_owned(), release), ("Lab 9".to_owned(), NEVER)],
            ..Restrictions::default()
        };
        assert!(restricted(&release(NEVER)).unwrap().assessments()[0].release == NEVER);
        assert!(restricted(&release(ALWAYS)).is_none());
    }

    #[test]
    fn what_shows_more_waits() {
        let base = content("Lab 1", &["1 Ada hold", "2 Bo 8"]);
        let next = content("Lab 1", &["1 Ada 7", "2 Bo 9"]);
        assert!(base.restricted_by(&next, NOW).is_none());
    }

    #[test]
    fn a_release_that_is_withdrawn_or_later_takes_effect() {
        for (before, after, is_less) in [
            (ALWAYS, NEVER, true),
            (ALWAYS, from(7), true),
            (from(7), from(8), true),
            (from(7), NEVER, true),
            (ALWAYS, ALWAYS, false),
            (from(8), from(7), false),
            (from(7), ALWAYS, false),
            (NEVER, ALWAYS, false),
            (NEVER, from(7), false),
            (NEVER, NEVER, false),
            (ALWAYS, from(3), false),
            (from(2), from(3), false),
            (from(3), from(6), true),
        ] {
            let restricted =
                released("Lab 1", before).restricted_by(&released("Lab 1", after), NOW);
            assert_eq!(restricted.is_some(), is_less, "{before:?} -> {after:?}");
            if let Some(restricted) = restricted {
                assert!(restricted == released("Lab 1", after));
            }
        }
    }

    #[test]
    fn holds_of_students_and_assessments_that_the_edition_does_not_have_change_nothing() {
        let base = content("Lab 1", &["1 Ada 7"]);
        let next = content("Lab 1,Lab 2", &["1 Ada 7 hold", "2 Bo hold 5"]);
        assert!(base.restricted_by(&next, NOW).is_none());
    }

    #[test]
    fn what_a_content_did_not_show_then_stays_hidden() {
        let (then, now) = (Timestamp(10), Timestamp(20));
        for (release, expected) in [
            (from(10), from(10)),
            (from(11), NEVER),
            (from(20), NEVER),
            (from(21), from(21)),
            (ALWAYS, ALWAYS),
            (NEVER, NEVER),
        ] {
            let shown = released("Lab 1", release).shown_as_of(then, now);
            assert!(shown == released("Lab 1", expected), "{release:?}");
        }
    }

    #[test]
    fn holds_are_taken_from_another_content_and_no_marks() {
        let old = content("Lab 1,Lab 2", &["1 Ada 7 4", "2 Bo 8 5"]);
        let now = content("Lab 1,Lab 2", &["1 Ada 3 hold", "2 Bo 1 1"]);
        let kept = old.with_holds_of(&now);
        assert!(kept == content("Lab 1,Lab 2", &["1 Ada 7 hold", "2 Bo 8 5"]));
    }
}
