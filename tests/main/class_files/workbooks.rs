//! Workbooks that LibreOffice writes.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{run, text};
use crate::harness::{class_folder, missing_tool, write_private};

/// Converts a file with LibreOffice. Returns `None` if it is not installed.
fn converted(folder: &Path, file: &str, format: &str) -> Option<()> {
    // A profile of its own: LibreOffice runs once for each profile.
    let profile = format!("-env:UserInstallation=file://{}/profile", folder.display());
    let mut command = Command::new("soffice");
    command.current_dir(folder).args([&profile, "--headless", "--convert-to", format]);
    if file.ends_with(".csv") {
        // UTF-8 with commas; the last word lets LibreOffice read 85% as a number.
        command.arg("--infilter=CSV:44,34,76,1,,0,false,true");
    }
    command.arg(file);
    command.output().ok().filter(|output| output.status.success()).map(drop)
}

/// What both students read if the class is in this file.
fn preview(folder: &Path, file: &str) -> [String; 2] {
    preview_of(["4001001", "4001002"], folder, file)
}

fn preview_of(ids: [&str; 2], folder: &Path, file: &str) -> [String; 2] {
    let settings = format!("[gradebook]\nfile = \"{file}\"\nkeys_file = \"keys.csv\"\n");
    write_private(&folder.join("preview.toml"), settings);
    ids.map(|id| {
        let previewed = run(folder, &["--config", "preview.toml", "preview", id]);
        format!("{}{}", text(&previewed.stdout).trim_end_matches('\n'), errors(&previewed.stderr))
    })
}

/// What a command complains of, without warnings.
fn errors(stderr: &[u8]) -> String {
    let text = text(stderr);
    text.lines().filter(|line| !line.contains(": warning: ")).collect()
}

/// LibreOffice stores the percentages as 0.85 and 0.9, with a format that shows them as percentages.
const CLASS: &str = "Name,ID Number,Lab 1,Lab 2,Exam 1,Quiz\n\
                     Ada Able,4001001,9.5,EX,A-,85%\nZo\u{eb} Best,4001002,0.25,,,90%\n";

#[test]
fn workbooks_of_libreoffice_make_the_same_class() {
    let (folder, _) = class_folder("");
    let folder = folder.path();
    write_private(&folder.join("class.csv"), CLASS);
    run(folder, &["keys", "issue", "class.csv"]);
    let expected =
        ["Lab 1: 9.5, Lab 2: EX, Exam 1: A-, Quiz: 85", "Lab 1: 0.25, Lab 2: , Exam 1: , Quiz: 90"];
    assert_eq!(preview(folder, "class.csv"), expected);
    for format in ["xlsx", "ods", "xls"] {
        if converted(folder, "class.csv", format).is_none() {
            return missing_tool("LibreOffice (soffice)");
        }
        assert_eq!(preview(folder, &format!("class.{format}")), expected, "{format}");
    }
    // Semicolons and UTF-16; the text of each cell in quotes.
    fs::create_dir(folder.join("utf-16")).unwrap();
    fs::copy(folder.join("class.xlsx"), folder.join("utf-16/class.xlsx")).unwrap();
    let filter = "csv:Text - txt - csv (StarCalc):59,34,65535,1";
    assert!(converted(&folder.join("utf-16"), "class.xlsx", filter).is_some());
    assert_eq!(preview(folder, "utf-16/class.csv"), expected);
}

/// A workbook as one XML file. The column `Rank` is hidden, and IDs are numbers that are shown with leading zeros.
const HIDDEN: &str = r#"<?xml version="1.0"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
  xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
  xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
  xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"
  xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0"
  office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.spreadsheet">
<office:automatic-styles>
  <number:number-style style:name="N7"><number:number number:decimal-places="0" number:min-integer-digits="7"/></number:number-style>
  <style:style style:name="seven" style:family="table-cell" style:data-style-name="N7"/>
</office:automatic-styles>
<office:body><office:spreadsheet>
  <table:table table:name="Marks">
    <table:table-column table:number-columns-repeated="3"/>
    <table:table-column table:visibility="collapse"/>
    <table:table-column/>
ROWS
  </table:table>
</office:spreadsheet></office:body></office:document>"#;

#[test]
fn what_a_workbook_hides_is_not_published_and_ids_keep_the_zeros_that_it_shows() {
    let (folder, _) = class_folder("");
    let folder = folder.path();
    let ids = ["0012345", "4001002"];
    let class = "Name,ID Number,Lab 1\nAda Able,0012345,1\nZo\u{eb} Best,4001002,2\n";
    write_private(&folder.join("class.csv"), class);
    run(folder, &["keys", "issue", "class.csv"]);
    let text_cell = |text: &str| {
        format!(
            "<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>"
        )
    };
    let number_cell = |number: &str| {
        format!(
            "<table:table-cell office:value-type=\"float\" office:value=\"{number}\" table:style-name=\"STYLE\"/>"
        )
    };
    let row = |cells: [String; 5]| format!("<table:table-row>{}</table:table-row>", cells.concat());
    let student = |name: &str, id: &str, [lab_1, rank, lab_2]: [&str; 3]| {
        let id = number_cell(id).replace("STYLE", "seven");
        row([text_cell(name), id, number_cell(lab_1), number_cell(rank), number_cell(lab_2)])
    };
    let rows = row(["Name", "ID Number", "Lab 1", "Rank", "Lab 2"].map(text_cell))
        + &student("Ada Able", "12345", ["9.5", "1", "7"])
        + &student("Zo\u{eb} Best", "4001002", ["4", "2", "6.5"]);
    let rows = rows.replace(" table:style-name=\"STYLE\"", "");
    fs::write(folder.join("hidden.fods"), HIDDEN.replace("ROWS", &rows)).unwrap();
    for format in ["xlsx", "ods", "xls"] {
        if converted(folder, "hidden.fods", format).is_none() {
            return missing_tool("LibreOffice (soffice)");
        }
        let file = format!("hidden.{format}");
        let read = preview_of(ids, folder, &file);
        assert_eq!(read, ["Lab 1: 9.5, Lab 2: 7", "Lab 1: 4, Lab 2: 6.5"], "{format}");
        let explained = run(folder, &["explain", &file]);
        let explained = text(&explained.stdout) + &text(&explained.stderr);
        assert!(explained.contains("column \"Rank\" is hidden in the spreadsheet"), "{explained}");
    }
    // A course file that names the column brings it back.
    let settings = "[gradebook]\nfile = \"hidden.xlsx\"\ncourse_file = \"course.toml\"\n";
    write_private(&folder.join("course-file.toml"), settings);
    let explain_with = |course: &str| {
        write_private(&folder.join("course.toml"), course);
        text(&run(folder, &["--config", "course-file.toml", "explain"]).stdout)
    };
    let shown = explain_with("[assessment.Rank]\n");
    assert!(shown.contains("with \"Lab 1\", \"Rank\", \"Lab 2\""), "{shown}");
}
