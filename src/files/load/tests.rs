//! Loading from paths of every kind.

use fernet_batch::Key;

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

#[test]
fn a_big_file_is_the_same_whoever_reads_it() {
    const STUDENTS: u32 = 40_000;
    let key = |n: u32| {
        let mut bytes = [7; Key::BYTES];
        let (number, _) = bytes.split_at_mut(4);
        number.copy_from_slice(&n.to_le_bytes());
        Key::from_bytes(bytes).expose_text()
    };
    let rows = (0..STUDENTS).map(|n| {
        let quote = if n % 1000 == 0 { "\"" } else { "" };
        format!("{quote}S {n}{quote},{},{},{},EX\n", 2_000_000 + n, *key(n), n % 70)
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("class.csv");
    let text = format!("Name,ID Number,Key,Lab 1,Lab 2\n{}", rows.collect::<String>());
    std::fs::write(&path, text).unwrap();
    let limits = ReadLimits { bytes_max: 1 << 30, rows_max: 100_000 };
    let read = |threads| load(&Sources { threads, ..sources(&path) }, &limits).unwrap();
    let [one, two] = [Threads::ONE, Threads::up_to(2)].map(read);
    assert_eq!((one.digests, one.class_file), (two.digests, two.class_file));
    assert_eq!(one.class.students(), 40_000);
    let rows = |class: &Class| {
        let rows = class.rows().map(|(id, name, marks)| {
            format!("{id} {name} {}", marks.collect::<Vec<_>>().join(" "))
        });
        rows.collect::<Vec<_>>()
    };
    assert!(rows(&one.class) == rows(&two.class));
    let limits = ReadLimits { bytes_max: 1 << 20, ..limits };
    let too_big = load(&Sources { threads: Threads::up_to(2), ..sources(&path) }, &limits);
    assert!(too_big.is_err_and(|error| error.to_string().contains("bytes")));
}

#[test]
fn one_thread_reads_in_the_background() {
    const BYTES: usize = 1 << 30;
    let processors = std::thread::available_parallelism().unwrap().get();
    let sources = sources(Path::new("class.csv"));
    assert_eq!(sources.threads.parts_of(BYTES), processors.min(4));
    assert_eq!(sources.read_in_background().threads.parts_of(BYTES), 1);
}
