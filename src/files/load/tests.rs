//! Loading from paths of every kind.

use super::*;

const LIMITS: ReadLimits = ReadLimits { bytes_max: 1 << 20, rows_max: 1000 };

fn sources(path: &Path) -> Sources {
    Sources::of_class_file(path.to_owned())
}

fn rejected(path: &Path) -> String {
    let sources = sources(path);
    match load(&sources, &LIMITS) {
        Ok(_) => panic!("was accepted"),
        Err(error) => error.to_string().replace(&path.display().to_string(), "PATH"),
    }
}

#[test]
fn the_example_class_loads_with_a_digest_of_its_bytes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("settings/example_class.csv");
    let sources = sources(&path);
    let loaded = load(&sources, &LIMITS).unwrap();
    assert_eq!(loaded.class.students(), 20);
    assert_eq!(loaded.digests, load(&sources, &LIMITS).unwrap().digests);
}

#[test]
fn a_path_that_is_not_a_regular_file_is_rejected_at_once() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(rejected(folder.path()), "PATH: is a directory, not a regular file");
    assert_eq!(rejected(Path::new("/dev/zero")), "PATH: is a device, not a regular file");
    let fifo = folder.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    assert_eq!(rejected(&fifo), "PATH: is a FIFO, not a regular file");
    let missing = folder.path().join("no.csv");
    assert_eq!(
        rejected(&missing),
        "PATH: cannot be opened: No such file or directory (os error 2)"
    );
    let dangling = folder.path().join("link");
    std::os::unix::fs::symlink(&missing, &dangling).unwrap();
    assert!(rejected(&dangling).contains("No such file"));
}
