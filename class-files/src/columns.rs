//! The names of columns, and how names are compared.

pub(crate) const NAME: &str = "Name";
pub(crate) const ID: &str = "ID Number";
pub(crate) const KEY: &str = "Key";

/// The names of a column of IDs, in lower case; the most certain first.
pub(crate) const IDS: [&str; 27] = [
    "id number",
    "student id",
    "student number",
    "student no",
    "student no.",
    "studentid",
    "student_id",
    "student id number",
    "id",
    "sid",
    "sis user id",
    "orgdefinedid",
    "emplid",
    "identifier",
    "number",
    "no.",
    "matrikelnummer",
    "matrikel-nr.",
    "matrikelnr",
    "matrikelnr.",
    "matriculation number",
    "registration number",
    "university id",
    "numéro étudiant",
    "número de estudiante",
    "studentnummer",
    "id-nummer",
];
/// A header cell on one line: spreadsheets break long ones.
pub(crate) fn on_one_line(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The names of a file's columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Header {
    /// The row that the names stand in.
    pub(crate) row: u64,
    names: Vec<String>,
    /// The names in lower case.
    folded: Vec<String>,
}

impl Header {
    pub(crate) fn new(row: u64, names: impl IntoIterator<Item = String>) -> Self {
        let names: Vec<_> = names.into_iter().map(|name| on_one_line(&name)).collect();
        let folded =
            names.iter().map(|name| name.to_lowercase().replace('\u{2019}', "'")).collect();
        Self { row, names, folded }
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The names, without blanks around them.
    pub(crate) fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The names in lower case.
    pub(crate) fn folded(&self) -> impl ExactSizeIterator<Item = &str> {
        self.folded.iter().map(String::as_str)
    }

    /// The name of this column; blank if there is no such column.
    pub(crate) fn name(&self, at: usize) -> &str {
        self.names.get(at).map_or("", String::as_str)
    }

    /// The name of this column in lower case.
    pub(crate) fn folded_name(&self, at: usize) -> &str {
        self.folded.get(at).map_or("", String::as_str)
    }

    /// The first column with this name, which is given in lower case.
    pub(crate) fn find(&self, folded: &str) -> Option<usize> {
        self.folded().position(|name| name == folded)
    }

    /// Returns true if there is a column with this name, which is given in lower case.
    pub(crate) fn has(&self, folded: &str) -> bool {
        self.find(folded).is_some()
    }

    /// Returns true if the first columns have these names, which are given in lower case.
    pub(crate) fn begins_with(&self, folded: &[&str]) -> bool {
        self.len() >= folded.len()
            && self.folded().zip(folded).all(|(name, wanted)| name == *wanted)
    }
}
