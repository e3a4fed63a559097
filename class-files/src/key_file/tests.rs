//! Key files: by themselves, and together with a class file.

use super::*;
use crate::read_class;
use crate::testing::{self, key};

const LIMITS: ReadLimits = ReadLimits { bytes_max: 4096, rows_max: 5 };

/// What is wrong with a class file and a key file together.
fn refused_with_keys(class: &str, keys: &str) -> String {
    let keys = match KeyFile::read(testing::keyed(keys).as_bytes(), &LIMITS) {
        Ok(keys) => keys,
        Err(error) => return format!("keys: {error}"),
    };
    let file = testing::keyed(class);
    match read_class(file.as_bytes(), Some(&keys), &LIMITS) {
        Ok(class) => format!("{} students", class.students()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn keys_may_be_in_a_key_file() {
    let class = "Name,ID Number,Lab 1\nAda,2100001,3\nBo,2100002,4\n";
    let both = |keys| refused_with_keys(class, keys);
    assert_eq!(both("ID Number,Key\n2100002,K2\n2100001,K1\n"), "2 students");
    assert_eq!(both("\"Key\",ID Number,\r\nK2;K3,2100002,\r\n\r\nK1,2100001,"), "2 students");
    assert_eq!(
        both("ID Number,Key\n2100001,K1\n2100009,K2\n"),
        "does not name the same students as gradebook.keys_file; students without a key: \
         2100002; keys without a student: 2100009; make both files name the same students"
    );
    assert!(both("ID Number,Key\n2100001,K1\n").contains("keys without a student: none"));
    let many: String = (0..9).map(|n| format!("Ada,{n},3\n")).collect();
    let text = refused_with_keys(
        &format!("Name,ID Number,Lab 1\n{}", many.replace("Ada,5", "Ada,8")),
        "ID Number,Key\n7,K1\n",
    );
    assert!(text.starts_with("has more than 5 students"), "{text}");
    let text = refused_with_keys(
        "Name,ID Number,Key,Lab 1\nAda,2100001,K1,3\n",
        "ID Number,Key\n2100001,K1\n",
    );
    assert!(text.starts_with("row 1, column 3: is named Key, but the keys stand in"), "{text}");
}

#[test]
fn a_key_file_has_a_key_for_each_of_its_students_and_nothing_else() {
    let with = |keys: &str| refused_with_keys("", &format!("ID Number,Key\n{keys}"));
    for (keys, error) in [
        ("2100001,K1\n2100001,K2\n", "row 3, column \"ID Number\": is the same as in row 2"),
        ("2100001,K1\n2100002,K1\n", "row 3, column \"Key\": is the same as in row 2"),
        ("2100001,K1;K3\n2100002,K3\n", "row 3, column \"Key\": is the same as in row 2"),
        ("2100001,\n", "row 2, column \"Key\": decodes to 0 bytes"),
        ("2100001,K1,x\n", "row 2: has 3 cells, but the header has 2"),
        ("K1,2100001\n", "row 2, column \"ID Number\": must be 1 to 64"),
        ("\"2100001,K1\n", "row 2: a quoted cell is never closed"),
        ("", "has no students below its header"),
    ] {
        let text = with(keys);
        assert!(text.starts_with(&format!("keys: {error}")), "{keys}: {text}");
        assert!(!text.contains(&key(1)), "{text}");
    }
    let other = refused_with_keys("", "ID Number,Key,Lab 1\n2100001,K1,3\n");
    assert!(other.starts_with("keys: row 1, column 3: is neither ID Number nor Key"), "{other}");
}
