//! Turns a layout into an explanation.

use fernet_batch::redact::redact_runs;
use gradebook::{AssessmentRelease, Decimal};

use crate::ReadOptions;
use crate::columns::Header;
use crate::explanation::{ExplainedColumn, ExplainedUse};
use crate::layout::{ColumnUse, Layout};
use crate::shapes::{Shape, seldom_marks};

/// The columns of a file and their uses. `out_of` yields the maximum that the rows state for a column.
pub(crate) fn columns(
    header: &Header,
    layout: &Layout,
    options: &ReadOptions<'_>,
    out_of: impl Fn(usize) -> Option<Decimal>,
) -> Vec<ExplainedColumn> {
    let name_of = |at: usize| {
        let assessment = layout.uses.get(at).and_then(ColumnUse::assessment);
        assessment.map_or_else(String::new, |column| shown(&column.name))
    };
    let uses = layout.uses.iter().enumerate().map(|(at, usage)| {
        let reason = |reason: &str| ExplainedUse::Ignored { reason: reason.to_owned() };
        let usage = match usage {
            ColumnUse::Id | ColumnUse::OtherId => ExplainedUse::Id,
            ColumnUse::Name(_) => ExplainedUse::Name,
            ColumnUse::Key => ExplainedUse::Key,
            ColumnUse::Assessment(column) => ExplainedUse::Assessment {
                assessment: shown(&column.name),
                out_of: out_of(at).or(column.out_of).or(options.course.out_of),
                released: column.release.is_released(options.now),
                release: match column.release {
                    AssessmentRelease::From(moment) if moment > options.now => {
                        Some(moment.to_string())
                    }
                    _ => None,
                },
            },
            ColumnUse::Comment { of } => ExplainedUse::Comment { assessment: name_of(*of) },
            ColumnUse::Maximum { of } => reason(&format!("the maximum of {:?}", name_of(*of))),
            ColumnUse::State { of } => reason(&format!("the state of {:?}", name_of(*of))),
            ColumnUse::Ignored(why) => reason(why),
        };
        ExplainedColumn { column: shown(header.name(at)), usage }
    });
    uses.collect()
}

/// What an instructor should know of the columns.
pub(crate) fn warnings(shape: &Shape, header: &Header, layout: &Layout) -> Vec<String> {
    let mut warnings = Vec::new();
    for (at, usage) in layout.uses.iter().enumerate() {
        if matches!(usage, ColumnUse::Ignored(why) if why == ColumnUse::HIDDEN) {
            warnings.push(format!(
                "column {:?} is {} and not published; if students should see it, show it there, or name it in \
                 the course file",
                shown(header.name(at)),
                ColumnUse::HIDDEN
            ));
        }
    }
    warnings.extend(assessment_warnings(shape, layout));
    warnings
}

fn assessment_warnings(shape: &Shape, layout: &Layout) -> Vec<String> {
    if layout.assessments().next().is_none() {
        return vec![
            "no column is understood as an assessment; if there are any, name them in the course file: \
             [assessment.\"NAME\"] with column = \"HEADER\""
                .to_owned(),
        ];
    }
    if shape.name != "plain" {
        return Vec::new();
    }
    let totals = layout
        .assessments()
        .filter(|(_, column)| seldom_marks(&column.name.to_lowercase()) == Some("a total"));
    let warning = |name: &str| {
        format!(
            "column {:?} is published like every column of a plain file; if students should not see it, \
             remove it, or write release = false for it in the course file",
            shown(name)
        )
    };
    totals.map(|(_, column)| warning(&column.name)).collect()
}

fn shown(name: &str) -> String {
    redact_runs(name, |_| false).into_owned()
}
