//! Applies a course file to the layout of a class file.

use std::collections::{HashMap, HashSet};

use fernet_batch::redact::redact_runs;

use crate::columns::Header;
use crate::course::{Course, CourseAssessment, Hold, nearest};
use crate::error::{ClassFileError, ErrorList};
use crate::layout::{AssessmentColumn, ColumnUse, Layout, NamePart};
use crate::marks::MarkKind;
use crate::problem::{Problem, Shown};

/// Applies `[columns]`: which columns are IDs, names and keys.
pub(crate) fn apply_columns(
    course: &Course,
    header: &Header,
    layout: &mut Layout,
    errors: &mut ErrorList,
) {
    let columns = &course.columns;
    let wanted = [
        ("id", &columns.id, ColumnUse::Id),
        ("name", &columns.name, ColumnUse::Name(NamePart::Full)),
        ("key", &columns.key, ColumnUse::Key),
    ];
    for (key, name, usage) in wanted {
        let Some(name) = name else { continue };
        let Some(at) = header.find(&name.to_lowercase()) else {
            let what = format!("columns.{key} in the course file");
            errors.push(unknown(&what, "column", name, header.names()));
            continue;
        };
        let is_replaced = |other: &ColumnUse| match (&usage, other) {
            (ColumnUse::Id, ColumnUse::OtherId) => true,
            _ => std::mem::discriminant(&usage) == std::mem::discriminant(other),
        };
        for other in layout.uses.iter_mut().filter(|other| is_replaced(other)) {
            *other = ColumnUse::ignored("the course file names another column");
        }
        if let Some(here) = layout.uses.get_mut(at) {
            *here = usage;
        }
    }
}

/// Applies what the course file says about assessments. Returns, for each student with a mark on hold,
/// which assessments are.
pub(crate) fn apply(
    course: &Course,
    header: &Header,
    layout: &mut Layout,
    errors: &mut ErrorList,
) -> HashMap<String, Vec<bool>> {
    let mut taken = HashMap::new();
    for assessment in &course.assessments {
        let Some(at) = find(assessment, header, layout) else {
            let what = format!("assessment.{} in the course file", Shown::new(&assessment.name));
            let wanted = assessment.column.as_ref().unwrap_or(&assessment.name);
            let assessments = layout.assessments().map(|(_, column)| column.name.as_str());
            let names = header.names().chain(assessments);
            errors.push(unknown(&what, "column", wanted, names));
            continue;
        };
        if let Some(first) = taken.insert(at, &assessment.name) {
            let (one, other) = (Shown::new(first), Shown::new(&assessment.name));
            let text =
                format!("assessment.{other} in the course file names the column of {one} too");
            errors.push(Problem::Course(text).anywhere());
            continue;
        }
        if let Some(usage) = layout.uses.get_mut(at)
            && let Err(text) = apply_to(assessment, usage)
        {
            errors.push(Problem::Course(text).anywhere());
        }
    }
    holds(course, layout, errors)
}

/// The column of an assessment: the one with the header that the course file names; otherwise the one
/// that makes an assessment of this name.
fn find(wanted: &CourseAssessment, header: &Header, layout: &Layout) -> Option<usize> {
    let with_header = |name: &str| {
        header.names().position(|found| found == name).or_else(|| header.find(&name.to_lowercase()))
    };
    match &wanted.column {
        Some(column) => with_header(column),
        None => {
            let mut assessments = layout.assessments();
            let named = assessments.find(|(_, column)| column.name == wanted.name);
            named.map(|(at, _)| at).or_else(|| with_header(&wanted.name))
        }
    }
}

fn apply_to(wanted: &CourseAssessment, usage: &mut ColumnUse) -> Result<(), String> {
    match usage {
        ColumnUse::Assessment(_) => {}
        ColumnUse::Ignored(_) => *usage = AssessmentColumn::points(&wanted.name).into(),
        _ => {
            return Err(format!(
                "assessment.{} in the course file names a column that is used for something else",
                Shown::new(&wanted.name)
            ));
        }
    }
    let ColumnUse::Assessment(column) = usage else { return Ok(()) };
    column.name.clone_from(&wanted.name);
    column.release = wanted.release.unwrap_or(column.release);
    if wanted.is_text {
        column.kind = MarkKind::Words;
        column.out_of = None;
    }
    match (wanted.out_of, column.out_of) {
        (Some(here), Some(there)) if here != there => Err(format!(
            "assessment.{} in the course file is out of {here}, but the class file says out of {there}",
            Shown::new(&wanted.name)
        )),
        (here, there) => {
            column.out_of = here.or(there);
            Ok(())
        }
    }
}

fn holds(course: &Course, layout: &Layout, errors: &mut ErrorList) -> HashMap<String, Vec<bool>> {
    let names: Vec<_> = layout.assessments().map(|(_, column)| column.name.as_str()).collect();
    let mut holds = HashMap::new();
    for (id, hold) in &course.holds {
        let held = match hold {
            Hold::All => vec![true; names.len()],
            Hold::Assessments(wanted) => {
                for name in wanted.iter().filter(|name| !names.contains(&name.as_str())) {
                    let what = format!("hold.{} in the course file", redact_runs(id, |_| false));
                    errors.push(unknown(&what, "assessment", name, names.iter().copied()));
                }
                names.iter().map(|name| wanted.iter().any(|wanted| wanted == name)).collect()
            }
        };
        holds.insert(id.clone(), held);
    }
    holds
}

/// An error for each student on hold whom the class does not have.
pub(crate) fn unknown_students<'a>(
    course: &Course,
    ids: &(impl Iterator<Item = &'a str> + Clone),
) -> Vec<ClassFileError> {
    if course.holds.is_empty() {
        return Vec::new();
    }
    let known: HashSet<_> = ids.clone().collect();
    let unknown_ids = course.holds.iter().filter(|(id, _)| !known.contains(id.as_str()));
    unknown_ids
        .map(|(id, _)| unknown("[hold] in the course file", "student", id, ids.clone()))
        .collect()
}

fn unknown<'a>(
    what: &str,
    kind: &str,
    name: &str,
    names: impl Iterator<Item = &'a str>,
) -> ClassFileError {
    let hint = match nearest(name, names) {
        Some(near) => format!("; did you mean {}?", Shown::new(near)),
        None => String::new(),
    };
    let text = format!("{what}: the class file has no {kind} {}{hint}", Shown::new(name));
    Problem::Course(text).anywhere()
}
