//! Workbooks, made here part by part.

use std::io::{Cursor, Write as _};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

/// A zip archive of these files.
pub(super) fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// An xlsx workbook with the sheets `Marks` and `Notes`; `rows` is the XML of the rows of the first.
fn xlsx(rows: &str) -> Vec<u8> {
    xlsx_of("", &format!("<sheetData>{rows}</sheetData>"), "<sheetData/>")
}

/// An xlsx workbook with the sheets `Marks` and `Notes` of this XML; `state` is an attribute of the first.
fn xlsx_of(state: &str, marks: &str, notes: &str) -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relations = "http://schemas.openxmlformats.org/package/2006/relationships";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let sheet = |content: &str| format!("<worksheet xmlns=\"{main}\">{content}</worksheet>");
    archive(&[
        (
            "[Content_Types].xml",
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>",
        ),
        (
            "_rels/.rels",
            &format!(
                "<Relationships xmlns=\"{relations}\"><Relationship Id=\"r1\" \
                 Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            &format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets>\
                 <sheet name=\"Marks\" sheetId=\"1\" {state} r:id=\"r1\"/>\
                 <sheet name=\"Notes\" sheetId=\"2\" r:id=\"r2\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &format!(
                "<Relationships xmlns=\"{relations}\">\
                 <Relationship Id=\"r1\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet1.xml\"/>\
                 <Relationship Id=\"r2\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet2.xml\"/>\
                 </Relationships>"
            ),
        ),
        ("xl/worksheets/sheet1.xml", &sheet(marks)),
        ("xl/worksheets/sheet2.xml", &sheet(notes)),
    ])
}

/// The XML of a row of texts.
fn row(number: u32, cells: &[&str]) -> String {
    let cells = cells.iter().zip(b'A'..).map(|(text, letter)| match text.parse::<f64>() {
        Ok(number_cell) => {
            format!("<c r=\"{}{number}\"><v>{number_cell}</v></c>", char::from(letter))
        }
        Err(_) => format!(
            "<c r=\"{}{number}\" t=\"inlineStr\"><is><t>{text}</t></is></c>",
            char::from(letter)
        ),
    });
    format!("<row r=\"{number}\">{}</row>", cells.collect::<String>())
}

fn header() -> String {
    row(1, &["Name", "ID Number", "Lab 1", "Lab 2"])
}

fn errors(bytes: &[u8], course: &str) -> String {
    let errors = explained("marks.xlsx", bytes, course).errors;
    let errors = errors.iter().map(|error| {
        let place = error.row.map(|row| format!("{row}: ")).unwrap_or_default();
        format!("{place}{}", error.message.split(';').next().unwrap_or_default())
    });
    errors.collect::<Vec<_>>().join(" & ")
}

#[test]
fn a_workbook_makes_the_same_class_as_a_text_file() {
    let ada = row(2, &["Ada Able", "4001001", "9.5", "EX"]);
    let bo = row(4, &["Bo Best", "4001002", "0.30000000000000004"]);
    let file = xlsx(&format!("{}{ada}{bo}", header()));
    let class = class_of("marks.xlsx", Source::File(&file), "", &["4001001", "4001002"]).unwrap();
    assert_eq!(rows_of(&class), ["4001001|Ada Able|9.5|EX", "4001002|Bo Best|0.3|"]);
    let explanation = explained("marks.xlsx", &file, "sheet = \"Marks\"");
    assert_eq!((explanation.shape, explanation.students), (Some("plain"), 2));
    assert_eq!(
        (explanation.encoding, explanation.separator, explanation.decimal),
        (None, None, None)
    );
    assert_eq!(
        errors(&file, "sheet = \"Mark\""),
        "sheet in the course file: the workbook has no sheet \"Mark\""
    );
    assert!(errors(&file, "sheet = \"Notes\"").starts_with("is empty"));
}

/// The XML of a sheet with one student and two labs.
fn marks_of(name: &str, columns: &str) -> String {
    let student = row(2, &[name, "4001001", "9.5", "7"]);
    format!("{columns}<sheetData>{}{student}</sheetData>", header())
}

#[test]
fn the_first_sheet_that_is_shown_is_read() {
    let [ada, bo] = ["Ada Able", "Bo Best"].map(|name| marks_of(name, ""));
    let student = |state: &str, course: &str| {
        let file = xlsx_of(state, &ada, &bo);
        let class = class_of("marks.xlsx", Source::File(&file), course, &["4001001"]).unwrap();
        rows_of(&class).join("").split('|').nth(1).unwrap().to_owned()
    };
    assert_eq!(student("", ""), "Ada Able");
    assert_eq!(student("state=\"visible\"", ""), "Ada Able");
    for state in ["state=\"hidden\"", "state=\"veryHidden\""] {
        assert_eq!(student(state, ""), "Bo Best", "{state}");
        assert_eq!(student(state, "sheet = \"Marks\""), "Ada Able", "{state}");
    }
}

#[test]
fn marks_in_hidden_columns_are_not_published() {
    let labs = |columns: &str, course: &str| {
        let file = xlsx_of("", &marks_of("Ada Able", columns), "<sheetData/>");
        let explanation = explained("marks.xlsx", &file, course);
        let class = class_of("marks.xlsx", Source::File(&file), course, &["4001001"]).unwrap();
        (rows_of(&class).join(""), explanation.warnings.join(""))
    };
    let (all, no_warning) = ("4001001|Ada Able|9.5|7".to_owned(), String::new());
    for shown in ["", "<cols><col min=\"3\" max=\"4\" width=\"9\"/></cols>"] {
        assert_eq!(labs(shown, ""), (all.clone(), no_warning.clone()));
    }
    for hidden in ["hidden=\"1\"", "hidden=\"true\""] {
        let columns = format!("<cols><col min=\"1\" max=\"3\" {hidden}/></cols>");
        let (row, warning) = labs(&columns, "");
        assert_eq!(row, "4001001|Ada Able|7", "names and IDs may be hidden");
        assert!(warning.starts_with("column \"Lab 1\" is hidden in the spreadsheet"), "{warning}");
        assert_eq!(labs(&columns, "[assessment.\"Lab 1\"]"), (all.clone(), no_warning.clone()));
    }
}

#[test]
fn a_workbook_whose_hidden_columns_cannot_be_found_is_refused() {
    // The reader of cells finds this part by its name in other letters.
    let sheet = marks_of("Ada Able", "<cols><col min=\"3\" max=\"3\" hidden=\"1\"/></cols>");
    let file = xlsx_of("", &sheet, "<sheetData/>");
    let (name, other) = (b"xl/worksheets/sheet1.xml", b"xl/worksheets/SHEET1.xml");
    let mut renamed = file.clone();
    for at in memchr::memmem::find_iter(&file, name) {
        renamed[at..at + name.len()].copy_from_slice(other);
    }
    assert!(
        errors(&renamed, "").contains("does not say which columns it hides"),
        "{}",
        errors(&renamed, "")
    );
}

#[test]
fn an_id_of_more_digits_than_spreadsheets_keep_is_refused() {
    let id =
        |id: &str| errors(&xlsx(&format!("{}{}", header(), row(2, &["Ada", id, "1", "2"]))), "");
    assert_eq!(id("123456789012345"), "");
    for long in ["1234567890123456", "12345678901234567890"] {
        assert!(id(long).starts_with("2: is stored as a number like 4.00198E+08"), "{}", id(long));
    }
}

#[test]
fn a_cell_that_is_no_mark_is_refused_by_its_place() {
    let with = |cell: &str| {
        let ada = format!(
            "<row r=\"2\"><c r=\"A2\" t=\"inlineStr\"><is><t>Ada</t></is></c><c r=\"B2\"><v>4001001</v></c>{cell}</row>"
        );
        errors(&xlsx(&format!("{}{ada}", header())), "")
    };
    assert_eq!(with("<c r=\"C2\"><f>1+1</f><v>2</v></c>"), "");
    assert_eq!(with("<c r=\"C2\"><f>1+1</f></c>"), "2: is a formula without its result");
    assert_eq!(
        with("<c r=\"C2\" t=\"e\"><f>Z1</f><v>#REF!</v></c>"),
        "2: \"#REF!\" is the error of a formula"
    );
    let names = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>Name</t></is></c><c r=\"B1\" \
                  t=\"inlineStr\"><is><t>ID Number</t></is></c><c r=\"C1\"><f>Z1</f></c></row>";
    assert_eq!(errors(&xlsx(names), ""), "1: is a formula without its result");
    assert!(with("<c r=\"C2\" t=\"d\"><v>2026-01-05</v></c>").starts_with("2: \"2026-01-05"));
    let far = "lies outside of the table";
    assert_eq!(with("<c r=\"XFD2\"><v>1</v></c>"), format!("2: cell XFD2 {far}"));
    let file = xlsx(&format!(
        "{}{}<row r=\"1048576\"><c r=\"A1048576\"><v>1</v></c></row>",
        header(),
        row(2, &["Ada", "4001001"])
    ));
    assert_eq!(errors(&file, ""), format!("1048576: cell A1048576 {far}"));
}

#[test]
fn an_ods_workbook_may_not_grow_when_it_is_read_and_may_hide_columns() {
    let ods = |table: &str| {
        let office = "urn:oasis:names:tc:opendocument:xmlns:office:1.0";
        let names = "urn:oasis:names:tc:opendocument:xmlns:table:1.0";
        let content = format!(
            "<office:document-content xmlns:office=\"{office}\" xmlns:table=\"{names}\" \
             xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\"><office:body><office:spreadsheet>\
             <table:table table:name=\"Marks\">{table}</table:table></office:spreadsheet></office:body></office:document-content>"
        );
        archive(&[
            ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
            ("META-INF/manifest.xml", "<manifest/>"),
            ("content.xml", &content),
        ])
    };
    let text = |text: &str| {
        format!(
            "<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>"
        )
    };
    let number = |number: &str| {
        format!("<table:table-cell office:value-type=\"float\" office:value=\"{number}\"/>")
    };
    let row = |cells: String| format!("<table:table-row>{cells}</table:table-row>");
    let names = row(["Name", "ID Number", "Lab 1"].map(text).concat());
    let ada = row(text("Ada") + &number("4001001") + &number("9.5"));
    let tail = "<table:table-row table:number-rows-repeated=\"1048000\"><table:table-cell \
                table:number-columns-repeated=\"16384\"/></table:table-row>";
    let file = ods(&format!("{names}{ada}{tail}"));
    let class = class_of("m.ods", Source::File(&file), "", &["4001001"]).unwrap();
    assert_eq!(rows_of(&class), ["4001001|Ada|9.5"]);
    let bomb = row("<table:table-cell table:number-columns-repeated=\"16384\" office:value-type=\"float\" office:value=\"1\"/>".to_owned())
    .replace("<table:table-row>", "<table:table-row table:number-rows-repeated=\"1000000\">");
    let file = ods(&format!("{names}{ada}{bomb}"));
    assert_eq!(errors(&file, ""), "has more than 5000000 cells");
    let hidden = "<table:table-column table:number-columns-repeated=\"2\"/><table:table-column \
                  table:visibility=\"collapse\" table:number-columns-repeated=\"1048000\"/>";
    let file = ods(&format!("{hidden}{names}{ada}"));
    let class = class_of("m.ods", Source::File(&file), "", &["4001001"]).unwrap();
    assert_eq!(rows_of(&class), ["4001001|Ada|"]);
    let formula =
        row(text("Ada") + &number("4001001") + "<table:table-cell table:formula=\"of:=1\"/>");
    assert_eq!(
        errors(&ods(&format!("{names}{formula}")), ""),
        "2: is a formula without its result"
    );
}

#[test]
fn an_archive_unpacks_to_no_more_than_it_may() {
    let bomb = archive(&[("xl/workbook.xml", &"a".repeat(2 << 20))]);
    assert!(bomb.len() < 10_000);
    assert_eq!(errors(&bomb, ""), "has more than 1048576 bytes when it is unpacked");
    let mut lying = archive(&[("xl/workbook.xml", "abcdefgh")]);
    let at = lying.windows(4).position(|part| part == b"PK\x01\x02").unwrap();
    lying[at + 24] = 3;
    assert!(!errors(&lying, "").is_empty());
    assert!(errors(&archive(&[("a.txt", "x")]), "").starts_with("is an archive of no known kind"));
}

#[test]
fn a_protected_workbook_is_named_as_one() {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    file.create_stream("/EncryptedPackage").unwrap().write_all(b"secret").unwrap();
    let bytes = file.into_inner().into_inner();
    assert_eq!(errors(&bytes, ""), "is protected with a password");
}

#[test]
fn a_workbook_may_not_state_more_texts_than_it_has() {
    let says = "states that it has more texts than it has room for";
    for count in ["uniqueCount=\"4294967295\"", "uniqueCount = '99999999999999999999'"] {
        let bytes = archive(&[
            ("xl/workbook.xml", "<workbook/>"),
            ("xl/sharedStrings.xml", &format!("<sst {count}/>")),
        ]);
        assert_eq!(errors(&bytes, ""), says);
        let wide: String =
            format!("<sst {count}/>").chars().flat_map(|char| [char, '\0']).collect();
        let bytes = archive(&[("xl/workbook.xml", "<workbook/>"), ("xl/strings", &wide)]);
        assert_eq!(errors(&bytes, ""), says);
    }
    let bytes = archive(&[
        ("xl/workbook.xml", "<workbook/>"),
        ("xl/sharedStrings.xml", "<sst uniqueCount=\"2\"/>"),
    ]);
    assert!(!errors(&bytes, "").contains(says));
}
