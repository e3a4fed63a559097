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
    let settings = format!("[gradebook]\nfile = \"{file}\"\nkeys_file = \"keys.csv\"\n");
    write_private(&folder.join("preview.toml"), settings);
    ["4001001", "4001002"].map(|id| {
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
