//! Headers and IDs that are nearly right.

use super::tests::{rejected, rows};
use crate::testing::{class, key};

#[test]
fn a_header_that_is_nearly_right_is_named_with_what_to_write() {
    for (header, says) in [
        (
            "name,ID Number,Key,Lab 1",
            "row 1: has no column \"Name\"; column 1 is named \"name\": rename it to \"Name\"",
        ),
        (
            "Name,ID number,Key,Lab 1",
            "row 1: has no column \"ID Number\"; column 2 is named \"ID number\": rename it to \"ID Number\"",
        ),
        (
            "Name,ID Number,KEY,Lab 1",
            "row 1: has no column \"Key\"; column 3 is named \"KEY\": rename it to \"Key\"",
        ),
    ] {
        assert_eq!(rejected(format!("{header}\nAda,2100001,{},3\n", key(1))), says);
    }
    let text = rejected(format!("Surname,Matriculation,{},Lab 1\n", key(1).get(..30).unwrap()));
    assert!(text.contains("and begins with \"Surname\", \"Matriculation\", \"<30 "), "{text}");
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
