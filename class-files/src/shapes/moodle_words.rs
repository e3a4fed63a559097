//! The words of Moodle's grade exports in the languages that it is most used in.
//!
//! Source: the strings `realgrade`, `percentagegrade`, `lettergrade`, `feedback`, `coursetotal` and
//! `timeexported` of Moodle's language packs.

/// A kind of column, and the words for it, in lower case.
pub(super) const FIRST_NAME: [&str; 9] = [
    "first name",
    "vorname",
    "prénom",
    "nombre",
    "nome",
    "voornaam",
    "förnamn",
    "fornavn",
    "etunimi",
];
pub(super) const LAST_NAME: [&str; 14] = [
    "efternavn",
    "last name",
    "surname",
    "nachname",
    "nom",
    "nom de famille",
    "apellido",
    "apellido(s)",
    "apellidos",
    "cognome",
    "sobrenome",
    "achternaam",
    "efternamn",
    "etternavn",
];
pub(super) const ID_NUMBER: [&str; 11] = [
    "id number",
    "id-nummer",
    "id nummer",
    "numéro d'identification",
    "número de id",
    "número id",
    "codice identificativo",
    "número de identificação",
    "idnummer",
    "id-numero",
    "matrikelnummer",
];
/// Points.
pub(super) const REAL: [&str; 16] = [
    "real",
    "punkte",
    "brut",
    "punteggio",
    "punten",
    "poäng",
    "poeng",
    "pontos",
    "verkligt",
    "verklig",
    "reel",
    "reelt",
    "faktisk",
    "valore",
    "rzeczywisty",
    "body",
];
pub(super) const PERCENTAGE: [&str; 9] = [
    "percentage",
    "prozentsatz",
    "prozent",
    "pourcentage",
    "porcentaje",
    "percentuale",
    "procent",
    "prosent",
    "porcentagem",
];
pub(super) const LETTER: [&str; 7] =
    ["letter", "buchstabe", "lettre", "letra", "lettera", "bokstav", "letter grade"];
pub(super) const FEEDBACK: [&str; 9] = [
    "feedback",
    "rückmeldung",
    "rétroaction",
    "retroalimentación",
    "comentarios",
    "commento",
    "återkoppling",
    "tilbakemelding",
    "comentário",
];
/// The last column.
pub(super) const EXPORTED_AT: [&str; 9] = [
    "last downloaded from this course",
    "zuletzt aus diesem kurs geladen",
    "dernier téléchargement depuis ce cours",
    "última descarga de este curso",
    "descargado por última vez de este curso",
    "ultimo scaricamento dal corso",
    "laatst gedownload van deze cursus",
    "senast nedladdad från denna kurs",
    "último download realizado neste curso",
];
/// How names of totals end.
pub(super) const TOTAL: [&str; 8] =
    ["total", "gesamt", "totale", "totaal", "totalt", "summe", "summa", "sum"];
/// What stands before an item's name.
pub(super) const ACTIVITIES: [&str; 41] = [
    "uppgift",
    "opgave",
    "zadanie",
    "assignment",
    "quiz",
    "workshop",
    "forum",
    "lesson",
    "scorm package",
    "external tool",
    "h5p",
    "database",
    "glossary",
    "attendance",
    "checklist",
    "turnitin assignment",
    "virtual programming lab",
    "coderunner",
    "manual item",
    "aufgabe",
    "test",
    "lektion",
    "lernpaket",
    "gegenseitige beurteilung",
    "datenbank",
    "glossar",
    "externes tool",
    "anwesenheit",
    "devoir",
    "atelier",
    "leçon",
    "outil externe",
    "tarea",
    "cuestionario",
    "taller",
    "compito",
    "opdracht",
    "inlämningsuppgift",
    "oppgave",
    "tarefa",
    "questionário",
];
