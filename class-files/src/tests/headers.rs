//! Headers and IDs that are nearly right.

use super::plain::{rejected, rows};
use crate::testing::{class, key};

#[test]
fn a_header_that_is_nearly_right_is_named_with_what_to_write() {
    for (header, says) in [
        (
            "Nmae,ID Number,Key,Lab 1",
            "row 1: has no column \"Name\"; column 1 is named \"Nmae\": rename it to \"Name\"",
        ),
        (
            "Name,ID Nmber,Key,Lab 1",
            "row 1: has no column \"ID Number\"; column 2 is named \"ID Nmber\": rename it to \"ID Number\"",
        ),
        (
            "Name,ID Number,Keyy,Lab 1",
            "row 1: has no column \"Key\"; column 3 is named \"Keyy\": rename it to \"Key\"",
        ),
    ] {
        assert_eq!(rejected(format!("{header}\nAda,2100001,{},3\n", key(1))), says);
    }
    let text = rejected(format!("Surname,Matrix,{},Lab 1\n", key(1).get(..30).unwrap()));
    assert!(text.contains("the first row begins with \"Surname\", \"Matrix\", \"<30 "), "{text}");
    assert!(text.ends_with("name the column in the course file: [columns] id = \"...\""), "{text}");
}

#[test]
fn a_header_may_be_written_in_any_case() {
    let file = format!("NAME,id number,key,Lab 1\nAda,2100001,{},3\n", key(1));
    assert_eq!(rows(file), ["2100001|Ada|3"]);
}

#[test]
fn an_id_that_a_spreadsheet_made_a_decimal_number_is_refused() {
    let says = "row 2, column \"ID Number\": is a number with decimals";
    for id in ["2100001.0", "7.00"] {
        let text = rejected(class(&[&format!("Ada,{id},K1,3,9")]));
        assert!(text.starts_with(says), "{id}: {text}");
    }
    for id in ["2100001", "v1.0", "ada.0", "1.5", "1."] {
        assert_eq!(rows(class(&[&format!("Ada,{id},K1,3,9")])).len(), 1, "{id}");
    }
}

#[test]
fn a_title_above_the_names_of_the_columns_is_to_be_deleted() {
    let text = "CS 101 Marks,,\nName,ID Number,Lab 1\nAda,4001001,9\n";
    let errors = super::explained("class.csv", text.as_bytes(), "").errors;
    let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
    assert!(messages[0].contains(": if it is a title, delete it"), "{messages:?}");
}
