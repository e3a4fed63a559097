//! Keys: they take effect at a reload, make no edition, and do not come back with a rollback.

use fernet::Fernet;

use super::{
    course, done, published_by, read, reload, report, save, served, settings, with_midterm,
    write_course,
};
use crate::harness::{ADA, ADA_GRADES, BO, Server, Student, ZOE, keys_of, write_private};

const UNKNOWN: &str = "\n[lab]\nunknown_student = \"error\"\n";

fn write_keys(server: &Server, students: &[(&str, &str)]) {
    write_private(&server.folder.path().join("keys.csv"), keys_of(students));
}

#[test]
fn new_keys_take_effect_at_a_reload_without_an_edition() {
    let mut server = served(course(&settings("")));
    let before = report(&server, BO);
    let new_key = Fernet::generate_key();
    write_keys(&server, &[(ADA.0, &new_key), (BO.0, BO.1), (ZOE.0, ZOE.1)]);
    reload(&mut server, "keys exchanged students=3");
    let token = &server.answers(format!("{} GG\n", ADA.0).as_bytes())[0];
    let text = Fernet::new(&new_key).unwrap().decrypt(token).unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), ADA_GRADES);
    assert_eq!(report(&server, BO), before);
    assert_eq!(published_by(server.folder.path()), ["save"]);
    // A rollback does not bring the old key back.
    save(&mut server, &with_midterm("18"), "class file installed edition=2");
    done(server.folder.path(), &["rollback", "1"]);
    let token = &server.answers(format!("{} GG\n", ADA.0).as_bytes())[0];
    assert!(Fernet::new(ADA.1).unwrap().decrypt(token).is_err());
    assert!(Fernet::new(&new_key).unwrap().decrypt(token).is_ok());
}

#[test]
fn keys_are_exchanged_while_the_class_file_is_held_or_broken() {
    let mut server = served(course(&settings("")));
    for (content, says) in
        [(with_midterm(""), "class file held"), (with_midterm("x"), "class file not installed")]
    {
        let new_key = Fernet::generate_key();
        write_keys(&server, &[(ADA.0, &new_key), (BO.0, BO.1), (ZOE.0, ZOE.1)]);
        save(&mut server, &content, says);
        server.prints("keys exchanged");
        let token = &server.answers(format!("{} GG\n", ADA.0).as_bytes())[0];
        assert!(Fernet::new(&new_key).unwrap().decrypt(token).is_ok());
    }
}

#[test]
fn a_broken_key_file_changes_nothing_but_what_shows_less() {
    let mut server = served(course(&settings("")));
    write_private(&server.folder.path().join("keys.csv"), "ID Number,Key\n2100001,nonsense\n");
    server.save_class(&with_midterm("18"));
    write_course(&server, "[hold]\n2100002 = [\"Midterm\"]\n");
    let line = reload(&mut server, "class file not installed");
    assert!(line.contains("keys.csv"), "{line}");
    server.prints("class file installed edition=2");
    assert_eq!(read(&server, ADA, "GG"), ADA_GRADES);
    assert!(read(&server, BO, "GG").contains("Midterm: , "), "the hold is in place");
    assert_eq!(published_by(server.folder.path()), ["save", "hold"]);
}

#[test]
fn a_student_without_a_key_is_unknown_until_a_reload_brings_one() {
    let mut server = served(course(&format!("{}{UNKNOWN}", settings(""))));
    let unknown = "ERR unknown no student has this ID";
    let answer = |server: &Server, Student(id, _): Student| {
        server.answers(format!("{id} GG\n").as_bytes())[0].clone()
    };
    write_keys(&server, &[(ADA.0, ADA.1), (ZOE.0, ZOE.1)]);
    // The class file has a student without a key, so it is not published; the keys are in place.
    let line = reload(&mut server, "class file not installed");
    assert!(line.contains(BO.0), "{line}");
    server.prints("keys exchanged students=2");
    assert_eq!(answer(&server, BO), unknown);
    assert_eq!(ADA.opens(&answer(&server, ADA)), ADA_GRADES);
    write_keys(&server, &[(ADA.0, ADA.1), (BO.0, BO.1), (ZOE.0, ZOE.1)]);
    reload(&mut server, "keys exchanged students=3");
    BO.opens(&answer(&server, BO));
    assert_eq!(published_by(server.folder.path()), ["save"]);
}
