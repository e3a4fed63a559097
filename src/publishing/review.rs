//! What publishing a class file would change, and what looks wrong in it.

use editions::{
    Content, Difference, Held, LeftBecause, LeftFile, Rule, RuleOptions, StoredEdition, held,
};
use fernet_batch::Timestamp;

use super::book::kept_statistics;
use super::candidate::Candidate;
use super::report::State;
use crate::settings::Settings;

/// What publishing a class file would change.
pub(super) struct Review {
    /// Whether there is anything to publish.
    pub(super) state: State,
    /// What looks wrong.
    pub(super) held: Vec<Held>,
    pub(super) difference: Difference,
}

impl Review {
    /// Compares a class file with the current edition. `left` is the file that is left alone, if the
    /// candidate can be that.
    pub(super) fn of(
        candidate: &Candidate,
        base: Option<&StoredEdition>,
        left: Option<&LeftFile>,
        settings: &Settings,
        now: Timestamp,
    ) -> Self {
        let base_content: Option<&Content> = base.map(|base| &base.content);
        let difference = Difference::between(base_content, &candidate.content, now);
        let is_current = base.is_some_and(|base| base.record.digest == candidate.digest);
        if is_current {
            return Self { state: State::None, held: Vec::new(), difference };
        }
        let mut found = Vec::new();
        if let Some(base) = base {
            let options = RuleOptions {
                shrink_percent_max: settings.shrink_percent_max,
                base_exported_at: base.record.exported_at,
                exported_at: candidate.exported_at,
            };
            found = held(&base.content, &candidate.content, &difference, options);
            if settings.policy.is_private() {
                found.extend(ranges_changed(base, &candidate.content));
            }
        }
        let left = left.filter(|left| left.is(&candidate.digest, &candidate.bytes));
        found.extend(left.map(|left| left_alone(left.why)));
        let state = if found.is_empty() { State::Staged } else { State::Held };
        Self { state, held: found, difference }
    }

    /// Returns true if the file is left alone until it changes.
    pub(super) fn is_left_alone(&self) -> bool {
        self.held.iter().any(|held| matches!(held.rule, Rule::RolledBack | Rule::Replaced))
    }
}

/// The assessments whose full result is neither the one with which figures were drawn, nor the one that the current
/// edition has.
fn ranges_changed(base: &StoredEdition, next: &Content) -> Vec<Held> {
    // A history that cannot be read is an error elsewhere.
    let Ok((_, releases)) = kept_statistics(base) else { return Vec::new() };
    let mut found = Vec::new();
    for new in next.assessments() {
        let name = &new.name;
        let Some(drawn) = releases.drawn_out_of(name) else { continue };
        let mut named = base.content.assessments().iter().filter(|old| old.name == *name);
        let is_accepted = named.next().is_some_and(|old| old.out_of == new.out_of);
        if releases.was_drawn_with(name, new.out_of) || is_accepted {
            continue;
        }
        let now = new.out_of.map_or_else(|| "unknown".to_owned(), |out_of| out_of.to_string());
        found.push(Held {
            rule: Rule::RangeChanged,
            assessment: Some(name.clone()),
            text: format!(
                "the full result of {name:?} is {now}, and its figures were drawn with {drawn}, which they keep \
                 until publish --redraw {name:?}"
            ),
        });
    }
    found
}

fn left_alone(why: LeftBecause) -> Held {
    let (rule, text) = match why {
        LeftBecause::RolledBack => (
            Rule::RolledBack,
            "an earlier edition was published again, and the file has not changed since",
        ),
        LeftBecause::Replaced => {
            (Rule::Replaced, "another file was published, and this one has not changed since")
        }
    };
    Held { rule, assessment: None, text: text.to_owned() }
}
