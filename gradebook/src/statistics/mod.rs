//! Class statistics: the figures, how much of them is released, and their texts.

mod decisions;
mod figures;
mod policy;
mod release;
mod render;
mod report;
mod state;

pub use decisions::StatisticDecision;
pub use policy::PrivacyPolicy;
pub use release::{Decisions, ReleaseHistory};
pub(crate) use render::{ExamAverage, NOT_EVERY_EXAM, Renderer, StatisticText, shorten};
pub(crate) use report::{ClassFigures, NO_OWN_FIGURES, Report, ReportLine, ReportMark};
pub use state::{InvalidHistory, LastEdition};
