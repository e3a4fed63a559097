//! Class statistics: the figures, how much of them is released, and their texts.
//!
//! - `policy`: exact figures, or figures with noise
//! - `exact`: the figures of the lab
//! - `private`: figures with noise
//! - `history`: what has been drawn, and which marks have been counted
//! - `planner`: which marks a publication would count
//! - `plan`: what a publication would release
//! - `decisions`: what an edition releases
//! - `render`, `report`: texts

mod decisions;
mod exact;
mod history;
mod plan;
mod planner;
mod policy;
mod private;
mod render;
mod report;
mod state;
#[cfg(test)]
mod testing;

pub use decisions::{Decisions, StatisticDecision};
pub use history::ReleaseHistory;
pub use plan::{Publication, RedrawError, StatisticsPlan};
pub use planner::{Drawing, StatisticForecast};
pub use policy::{Budget, PrivacyPolicy, StatisticsMode};
pub(crate) use render::{Renderer, shorten};
pub(crate) use report::{ClassFigures, Report, ReportLine, ReportMark};
pub use state::{InvalidHistory, LastEdition};
