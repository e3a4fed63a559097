//! Whether a class fits the limits of the settings, and what is odd in it.

use grade_actors::{LabProfile, Profile, SealedProfile};
use gradebook::{Book, Class, ReleaseHistory, UnknownStudent};

use crate::settings::Settings;

/// Why a class does not fit the limits of the settings.
#[derive(Debug, thiserror::Error)]
pub enum ClassError {
    /// Not every student can be answered.
    #[error(
        "sealed.replays = {replays} is less than the {students} students of the class, so that not each \
         could ask; set it to {students} at least"
    )]
    TooFewReplays {
        /// The setting.
        replays: usize,
        /// The students of the class.
        students: usize,
    },
    /// A reply is longer than a batch of replies may be. All answers to `REPORT` have one length.
    #[error(
        "a REPORT of this class has {bytes} bytes, more than limits.output_bytes = {bytes_max}; set it to \
         {bytes} at least"
    )]
    LongReport {
        /// The reply's length.
        bytes: usize,
        /// The setting.
        bytes_max: usize,
    },
}

/// What is valid in a class, but seldom meant.
pub(super) fn oddities(class: &Class) -> impl Iterator<Item = String> {
    let nameless = listed(class.nameless().map(str::to_owned));
    let negative =
        listed(class.negative_marks().map(|(id, assessment)| format!("{id} in {assessment:?}")));
    let nameless = nameless.map(|ids| format!("students without a name: {ids}"));
    let negative = negative.map(|marks| format!("negative marks: {marks}"));
    nameless.into_iter().chain(negative)
}

/// The first of some texts, and how many more there are; `None` if there are none.
fn listed(mut texts: impl Iterator<Item = String>) -> Option<String> {
    /// As many as fit a line.
    const SHOWN_MAX: usize = 5;
    let shown: Vec<_> = texts.by_ref().take(SHOWN_MAX).collect();
    match texts.count() {
        0 if shown.is_empty() => None,
        0 => Some(shown.join(", ")),
        more => Some(format!("{} and {more} more", shown.join(", "))),
    }
}

/// Checks that each student has a share of the remembered requests. Returns a warning if the share is
/// smaller than the settings have it.
pub(super) fn check_students(
    students: usize,
    profile: &Profile,
) -> Result<Option<String>, ClassError> {
    let Profile::Sealed(SealedProfile { replays, .. }) = profile else { return Ok(None) };
    if replays.total < students {
        return Err(ClassError::TooFewReplays { replays: replays.total, students });
    }
    let share = replays.share(students);
    Ok((share < replays.per_student).then(|| {
        format!(
            "sealed.replays = {} allows each of {students} students {share} requests within \
             sealed.clock_skew, fewer than sealed.replays_per_student = {}",
            replays.total, replays.per_student
        )
    }))
}

/// Checks that replies whose length must not tell a mark fit the limit.
pub(super) fn check_replies(book: &Book, settings: &Settings) -> Result<(), ClassError> {
    let bytes_max = settings.session.batch.output_bytes;
    let bytes = match &settings.profile {
        Profile::Sealed(_) => book.sealed_reply_bytes_max(),
        Profile::Lab(LabProfile { unknown_student: UnknownStudent::Decoy(_), .. }) => {
            book.clear_reply_bytes_max()
        }
        Profile::Lab(_) => 0,
    };
    if bytes > bytes_max {
        return Err(ClassError::LongReport { bytes, bytes_max });
    }
    Ok(())
}

/// Why the figures of a history are not private, or are not drawn.
pub(super) fn drawing_warning(settings: &Settings, releases: &ReleaseHistory) -> Option<String> {
    if !settings.policy.is_private() {
        None
    } else if releases.exact_shown() {
        let text = "exact statistics of this class were shown before, so students may know them; \
                    noise protects what is new";
        Some(text.to_owned())
    } else if !releases.is_confirmed() {
        Some(format!(
            "no figures are drawn into a new history until {} confirms that none were shown before",
            settings.command_line().with("publish")
        ))
    } else {
        None
    }
}
