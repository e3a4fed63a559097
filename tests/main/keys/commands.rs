//! The commands that make, move, replace and print keys.

use super::*;

#[test]
fn keys_are_made_only_for_students_without_one_and_nothing_is_overwritten() {
    let (folder, _) = class_folder(KEYS_FILE);
    write(&folder, "class.csv", &class_without_keys(), 0o600);
    let issue = || keys_task(folder.path(), &["issue", "class.csv"]);
    assert_eq!(issue(), (Some(0), "keys.csv: 3 keys made for 3 students\n".into()));
    let path = folder.path().join("keys.csv");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let first = fs::read_to_string(&path).unwrap();
    let nothing = "keys.csv: 3 students, each with a key; nothing was written\n";
    assert_eq!(issue(), (Some(0), nothing.into()));
    // A student joins the class.
    let joined = format!("{}Cy Invented,2100003,1,2,3,4,5,6,7\n", class_without_keys());
    write(&folder, "class.csv", &joined, 0o600);
    let (code, text) = keys_task(folder.path(), &["check"]);
    assert!(code == Some(1) && text.contains("without a key: 2100003"), "{text}");
    assert_eq!(issue(), (Some(0), "keys.csv: 1 key made for 4 students\n".into()));
    assert!(fs::read_to_string(&path).unwrap().starts_with(&first), "the others keep theirs");
    let (code, text) = keys_task(folder.path(), &["check"]);
    assert_eq!((code, text.as_str()), (Some(0), "keys.csv: 4 students, each with a key\n"));
    // Another class in the same folder.
    write(&folder, "other.csv", "Name,ID Number,Lab 1\nDi Invented,2100004,1\n", 0o600);
    let (_, text) = keys_task(folder.path(), &["issue", "other.csv"]);
    let others = "; warning: 4 keys of students who are not in other.csv; keys check names them\n";
    assert_eq!(text, format!("keys.csv: 1 key made for 1 student{others}"));
    keys_task(folder.path(), &["drop", "2100004"]);
    let key = cell(folder.path(), Student("2100003", ""));
    let reply = &server_in(folder).answers(b"2100003 GL1A\n")[0];
    let text = Fernet::new(&key).unwrap().decrypt(reply).unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), "Lab 1 average: 2.6667");
}

#[test]
fn keys_can_be_moved_from_the_class_file_to_a_key_file() {
    let (folder, _) = class_folder("");
    let (code, text) = keys_task(folder.path(), &["issue", "class.csv"]);
    assert_eq!(code, Some(0));
    assert!(text.contains("3 copied from class.csv; now remove the column Key there"), "{text}");
    assert_eq!(cell(folder.path(), ADA), ADA.1);
    assert_eq!(fs::read_to_string(folder.path().join("class.csv")).unwrap(), CLASS);
    let (code, text) = keys_task(folder.path(), &["issue", "class.csv", "--output", "class.csv"]);
    assert!(code == Some(1) && text.contains("class.csv: row 1, column 1: is neither"), "{text}");
}

#[test]
fn a_key_is_replaced_while_the_old_one_stays_valid_for_a_time() {
    let mut server = server_in(folder_with_keys(&format!("watch = true\n{SEALED}")));
    let folder = server.folder.path().to_owned();
    let (code, text) = keys_task(&folder, &["rotate", ADA.0, BO.0]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = keys_task(&folder, &["rotate", ADA.0]);
    assert!(code == Some(1) && text.contains("2100001 has two keys already"), "{text}");
    let keys = cell(&folder, ADA);
    let (new, old) = keys.split_once(';').unwrap();
    assert_eq!(old, ADA.1);
    let answers = |server: &Server, key: &str, nonce| {
        let reply = &server.answers(sealed(ADA.0, key, nonce).as_bytes())[0];
        opened(key, reply).is_some_and(|text| text == ADA_GRADES)
    };
    server.prints(" of the class file is in place");
    assert!(answers(&server, new, 1) && answers(&server, old, 2));
    let (_, text) = keys_task(&folder, &["check"]);
    assert!(text.contains("2100001: two keys; when the student has the new one"), "{text}");
    assert_eq!(keys_task(&folder, &["retire", ADA.0]).0, Some(0));
    assert_eq!(cell(&folder, ADA), new);
    server.prints(" of the class file is in place");
    assert!(answers(&server, new, 3) && !answers(&server, old, 4));
}

#[test]
fn a_stolen_key_is_replaced_at_once_and_invalid_arguments_change_nothing() {
    let folder = folder_with_keys("");
    let path = folder.path();
    let before = fs::read_to_string(path.join("keys.csv")).unwrap();
    let unharmed = || fs::read_to_string(path.join("keys.csv")).unwrap() == before;
    for (arguments, says) in [
        (&["rotate", ADA.0, "2100009"][..], "has no student 2100009; nothing was written"),
        (&["rotate", ADA.1], "has no student <44 base64 characters>; nothing was written"),
        (&["rotate", &ADA.1[..30]], "has no student <30 base64 characters>; nothing was written"),
        (&["retire", ADA.0], "2100001 has no old key; nothing was written"),
        (&["rotate", "--keys", "class.csv", ADA.0], "class.csv: row 1: has no column \"Key\""),
    ] {
        let (code, text) = keys_task(path, arguments);
        assert!(code == Some(1) && text.contains(says) && unharmed(), "{arguments:?}: {text}");
    }
    for arguments in
        [&["check", ADA.1][..], &["issue", "class.csv", ADA.1], &["issue", ADA.1], &[ADA.1]]
    {
        let (code, text) = keys_task(path, arguments);
        assert!(code != Some(0) && text.contains("base64 characters>"), "{text}");
    }
    // A killed command left its temporary file.
    fs::write(path.join(".keys.csv.draft-abc"), ADA.1).unwrap();
    let held = File::open(path.join("keys.csv")).unwrap();
    held.lock().unwrap();
    let (code, text) = keys_task(path, &["rotate", ADA.0]);
    assert!(code == Some(1) && text.contains("another command is changing it"), "{text}");
    assert!(unharmed());
    held.unlock().unwrap();
    let (_, text) = keys_task(path, &["rotate", "--stolen", ADA.0, ADA.0]);
    assert_eq!(text.lines().count(), 1, "each student once");
    let key = cell(path, ADA);
    assert!(!key.contains(';') && key != ADA.1);
    assert_eq!((cell(path, BO), cell(path, ZOE)), (BO.1.into(), ZOE.1.into()));
    let names: Vec<_> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "no draft is left behind: {names:?}");
}

#[test]
fn a_printed_slip_contains_everything_a_student_needs() {
    let folder = folder_with_keys(SEALED);
    let server = server_in(folder);
    let path = server.folder.path();
    let address = format!("grades.example.org:{}", server.port);
    let slips = |output| keys_task(path, &["slips", "--server", &address, "--output", output]);
    assert_eq!(
        slips("s.txt"),
        (Some(0), "s.txt: 3 slips; print the file, cut it, and delete it\n".into())
    );
    let (code, text) = slips("s.txt");
    assert!(code == Some(1) && text.contains("s.txt: exists already"), "{text}");
    let mode = path.join("s.txt").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(path.join("s.txt")).unwrap();
    let all: Vec<_> = text.split("\n8< ").collect();
    assert_eq!(all.len(), 4, "three, each with a line to cut along");
    let slip = all[0];
    assert!(slip.starts_with("Ada Invented  (2100001)\n") && slip.contains(ADA.1));
    assert!(!slip.contains(BO.1));
    // The student follows the slip.
    write(&server.folder, "me.key", &format!("{}\n", ADA.1), 0o600);
    let client = |line: &str| {
        let line = line.replace("grades.example.org", "127.0.0.1");
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some("grade-client"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_grade-client"));
        let output = command.args(words).current_dir(path).env("XDG_STATE_HOME", path).output();
        String::from_utf8(output.unwrap().stdout).unwrap().trim_end().to_owned()
    };
    let line = slip.lines().find(|line| line.starts_with("    grade-client")).unwrap();
    assert_eq!(client(line), ADA_GRADES);
    let fingerprint = client("grade-client --key-file me.key --fingerprint");
    assert!(slip.contains(&format!("prints, is {fingerprint}.")), "{slip}");
    let (_, text) =
        keys_task(path, &["slips", BO.0, "--server", "h.example", "--output", "bo.txt"]);
    assert!(text.contains("1 slip;"), "{text}");
}

#[test]
fn a_dropped_student_has_no_key_any_more() {
    let folder = folder_with_keys("");
    let path = folder.path();
    let (code, text) = keys_task(path, &["drop", BO.0]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("2100002: removed; the key had the fingerprint "), "{text}");
    let keys = fs::read_to_string(path.join("keys.csv")).unwrap();
    assert_eq!(keys, keys_of(&[(ADA.0, ADA.1), (ZOE.0, ZOE.1)]));
    let (code, text) = keys_task(path, &["drop", BO.0]);
    assert!(code == Some(1) && text.contains("has no student 2100002"), "{text}");
    fs::write(path.join("keys.csv"), "nonsense").unwrap();
    let (code, text) = keys_task(path, &["drop", ADA.0]);
    assert!(code == Some(1) && text.contains("repair the file, restore a copy"), "{text}");
}

#[test]
fn slips_name_an_address_that_students_can_use() {
    let folder =
        folder_with_keys("[server]\nlisten = \"0.0.0.0:443\"\nallow_clear_requests = true\n");
    let path = folder.path();
    let slips = |arguments: &[&str]| {
        let arguments = [&["slips", "--output", "s.txt"][..], arguments].concat();
        let (code, text) = keys_task(path, &arguments);
        let slip = fs::read_to_string(path.join("s.txt")).unwrap_or_default();
        let _ = fs::remove_file(path.join("s.txt"));
        (code, text, slip)
    };
    let (code, text, _) = slips(&[]);
    assert_eq!(code, Some(1));
    assert!(text.contains("0.0.0.0:443 is not an address that students can connect to"), "{text}");
    let (code, _, slip) = slips(&["--server", "grades.example.org"]);
    assert_eq!(code, Some(0));
    assert!(slip.contains(" --server grades.example.org:50000 "), "the default port");
    let (code, text, _) = slips(&["--server", "http://grades"]);
    assert!(code == Some(1) && text.contains("--server must be HOST:PORT or HOST"), "{text}");
    let (code, text) = keys_task(path, &["slips", "--server", "h:1", "--output", "-"]);
    assert!(code == Some(1) && text.contains("--output - is not possible"), "{text}");
    assert!(!path.join("-").exists());
    for address in ["127.0.0.1:50000", "[::]", "localhost"] {
        let (code, text, _) = slips(&["--server", address]);
        let remedy = "give the one that they use with --server HOST:PORT";
        assert!(code == Some(1) && text.contains(remedy), "{address}: {text}");
    }
    let (folder, _) = class_folder("");
    let (code, text) = keys_task(folder.path(), &["slips"]);
    assert!(code == Some(1) && text.contains("127.0.0.1:0 is not an address"), "{text}");
}
