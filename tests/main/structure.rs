//! The structure that ARCHITECTURE.md promises: which crate depends on what, which module imports what,
//! and texts that stand in several places.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::project;
use gradebook::COMMANDS;

#[test]
fn the_pure_crates_depend_on_no_runtime() {
    for name in ["fernet-batch", "gradebook", "class-files"] {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--edges", "normal", "--prefix", "none", "--locked", "--offline"])
            .args(["--package", name])
            .current_dir(project(""))
            .output()
            .unwrap();
        let tree = String::from_utf8(output.stdout).unwrap();
        assert!(tree.starts_with(name), "{}", String::from_utf8_lossy(&output.stderr));
        for runtime in ["actix", "tokio", "mio", "socket2"] {
            let found = tree.lines().find(|line| line.starts_with(runtime));
            assert_eq!(found, None, "{name} depends on {runtime}");
        }
    }
}

#[test]
fn no_crate_has_an_import_cycle() {
    for folder in [
        "fernet-batch/src",
        "class-files/src",
        "editions/src",
        "gradebook/src",
        "actors/src",
        "web/src",
        "src",
        "benches/src",
    ] {
        let imports = imports(&project(folder));
        assert!(imports.len() > 5, "{folder} has files");
        if let Some(circle) = circle(&imports) {
            panic!("{folder} has a circle: {}", circle.join(" -> "));
        }
    }
}

#[test]
fn modules_import_only_from_modules_below_them() {
    for folder in ["gradebook/src", "src"] {
        let order = documented_order(folder);
        let floor = |module: &str| {
            let top = module.split("::").next().unwrap();
            let floor = order.iter().position(|known| known == top);
            floor.unwrap_or_else(|| panic!("{folder}/lib.rs does not list {top}"))
        };
        for (module, targets) in imports(&project(folder)) {
            // The root exports what the modules have.
            for target in targets.iter().filter(|_| !module.is_empty()) {
                let is_below = floor(target) <= floor(&module);
                assert!(is_below, "{folder}: {module} imports {target} from above");
            }
        }
    }
}

#[test]
fn the_architecture_lists_the_modules_in_the_order_of_their_imports() {
    let architecture = std::fs::read_to_string(project("docs/ARCHITECTURE.md")).unwrap();
    let architecture = architecture.split_whitespace().collect::<Vec<_>>().join(" ");
    for folder in ["gradebook/src", "src"] {
        let list = format!("`{}`.", documented_order(folder).join("`, `"));
        assert!(architecture.contains(&list), "{folder}: {list}");
    }
}

/// The modules of a crate in the order in which its first page lists them.
fn documented_order(folder: &str) -> Vec<String> {
    let text = std::fs::read_to_string(project(folder).join("lib.rs")).unwrap();
    let items = text.lines().filter_map(|line| line.strip_prefix("//! - "));
    let names = items.map(|item| item.split(':').next().unwrap());
    names.flat_map(|names| names.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[test]
fn the_pure_crates_have_no_clock() {
    for folder in ["fernet-batch/src", "gradebook/src", "class-files/src"] {
        for file in rust_files(&project(folder)) {
            let text = std::fs::read_to_string(&file).unwrap();
            let clock = ["SystemTime::now", "Instant::now", "Utc::now", "Local::now"];
            let found = clock.iter().find(|clock| text.contains(**clock));
            assert_eq!(found, None, "{file:?}");
        }
    }
}

#[test]
fn unsafe_code_stands_in_one_place() {
    let mut places = Vec::new();
    for folder in [
        "src",
        "actors/src",
        "web/src",
        "editions/src",
        "class-files/src",
        "gradebook/src",
        "fernet-batch/src",
        "benches",
    ] {
        for file in rust_files(&project(folder)) {
            let text = std::fs::read_to_string(&file).unwrap();
            let blocks = text.lines().filter(|line| line.trim_start().starts_with("unsafe"));
            places.extend(blocks.map(|_| file.clone()));
            let is_root = file.ends_with("src/lib.rs") || file.ends_with("src/main.rs");
            let may_contain = file.starts_with(project("fernet-batch"));
            assert!(
                !is_root || may_contain || text.contains("#![forbid(unsafe_code)]"),
                "{file:?}"
            );
        }
    }
    assert_eq!(places, [project("fernet-batch/src/wide/mod.rs")]);
}

#[test]
fn the_wire_and_the_book_do_not_import_each_other() {
    for (module, targets) in imports(&project("gradebook/src")) {
        let forbidden = match module.split("::").next().unwrap() {
            "wire" => "book",
            "book" => "wire",
            _ => continue,
        };
        assert!(!targets.iter().any(|target| target.starts_with(forbidden)), "{module}");
    }
}

#[test]
fn every_copy_of_the_actor_tree_is_the_same() {
    let source = std::fs::read_to_string(project("actors/src/server.rs")).unwrap();
    let drawing: Vec<_> = source
        .lines()
        .skip_while(|line| *line != "/// ```text")
        .skip(1)
        .take_while(|line| *line != "/// ```")
        .map(|line| line.trim_start_matches("/// "))
        .collect();
    assert!(drawing.len() > 5);
    for document in ["README.md", "docs/ARCHITECTURE.md"] {
        let text = std::fs::read_to_string(project(document)).unwrap().replace("\n    ", "\n");
        assert!(text.contains(&drawing.join("\n")), "{document} has another drawing");
    }
}

#[test]
fn the_documented_command_table_matches_the_code() {
    let protocol = std::fs::read_to_string(project("docs/PROTOCOL.md")).unwrap();
    let mut rows = String::from("| command | argument | answer |\n|---|---|---|\n");
    for command in COMMANDS {
        let argument = match command.argument {
            "" => String::new(),
            argument => format!("`{argument}`"),
        };
        rows.push_str(&format!("| `{}` | {argument} | {} |\n", command.word, command.help));
    }
    assert!(protocol.replace("|  |", "| |").contains(&rows.replace("|  |", "| |")), "{rows}");
}

/// The modules of a crate, each with the modules that it imports.
fn imports(folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut modules = BTreeMap::new();
    for file in rust_files(folder) {
        modules.insert(module_name(folder, &file), std::fs::read_to_string(&file).unwrap());
    }
    let mut imports = BTreeMap::new();
    for (module, text) in &modules {
        let mut targets = BTreeSet::new();
        for path in crate_paths(module, text) {
            // The longest prefix that is a module.
            let mut target = path.as_str();
            while !modules.contains_key(target) && !target.is_empty() {
                target = target.rsplit_once("::").map_or("", |(parent, _)| parent);
            }
            if !target.is_empty() && target != module {
                targets.insert(target.to_owned());
            }
        }
        imports.insert(module.clone(), targets);
    }
    imports
}

/// The files of a folder, without those of tests and of programs, which import the library.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "bin" {
            files.extend(rust_files(&path));
        } else if name.ends_with(".rs") && !["tests.rs", "testing.rs"].contains(&name) {
            files.push(path);
        }
    }
    files
}

/// `a/b.rs` and `a/b/mod.rs` are `a::b`; `lib.rs` and `main.rs` are the root.
fn module_name(folder: &Path, file: &Path) -> String {
    let path = file.strip_prefix(folder).unwrap().with_extension("");
    let names: Vec<_> = path.iter().map(|name| name.to_str().unwrap()).collect();
    let names: Vec<_> =
        names.into_iter().filter(|name| !["mod", "lib", "main"].contains(name)).collect();
    names.join("::")
}

/// Every path in a module's code that begins in its own crate, from the root on.
fn crate_paths(module: &str, text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let code: Vec<_> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join(" ");
    let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
    let mut paths = Vec::new();
    for statement in code.split("use ").skip(1) {
        let statement = statement.split(';').next().unwrap();
        for path in expand(statement) {
            if let Some(path) = path.strip_prefix("crate::") {
                paths.push(path.to_owned());
            } else if let Some(path) = path.strip_prefix("super::") {
                paths.push(format!("{parent}::{path}").trim_start_matches("::").to_owned());
            } else {
                // A child module, or another crate.
                paths.push(format!("{module}::{path}").trim_start_matches("::").to_owned());
            }
        }
    }
    for path in code.split("crate::").skip(1) {
        let is_path = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == ':';
        paths.push(path.split(|char| !is_path(char)).next().unwrap().to_owned());
    }
    paths
}

/// `a::{b, c::D}` as `a::b` and `a::c::D`.
fn expand(statement: &str) -> Vec<String> {
    let Some((prefix, rest)) = statement.split_once('{') else {
        return vec![statement.trim().split(" as ").next().unwrap().to_owned()];
    };
    let inside = rest.rsplit_once('}').map_or(rest, |(inside, _)| inside);
    let mut paths = Vec::new();
    let mut depth = 0;
    let mut start = 0;
    for (at, char) in inside.char_indices().chain([(inside.len(), ',')]) {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = inside[start..at].trim();
                start = (at + 1).min(inside.len());
                if !part.is_empty() {
                    let expanded = expand(part);
                    paths.extend(expanded.iter().map(|path| format!("{}{path}", prefix.trim())));
                }
            }
            _ => {}
        }
    }
    paths
}

/// A circle of imports, if there is one.
fn circle(imports: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn visit(
        module: &str,
        imports: &BTreeMap<String, BTreeSet<String>>,
        path: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(start) = path.iter().position(|known| known == module) {
            let mut circle = path[start..].to_vec();
            circle.push(module.to_owned());
            return Some(circle);
        }
        if done.contains(module) {
            return None;
        }
        path.push(module.to_owned());
        for target in imports.get(module).into_iter().flatten() {
            if let Some(circle) = visit(target, imports, path, done) {
                return Some(circle);
            }
        }
        path.pop();
        done.insert(module.to_owned());
        None
    }
    let mut done = BTreeSet::new();
    imports.keys().find_map(|module| visit(module, imports, &mut Vec::new(), &mut done))
}

#[test]
fn the_import_reader_finds_cycles_and_nested_paths() {
    let paths = expand("crate::a::{b::{C, d}, E as F}");
    assert_eq!(paths, ["crate::a::b::C", "crate::a::b::d", "crate::a::E"]);
    let graph = |pairs: &[(&str, &[&str])]| {
        let mut graph = BTreeMap::new();
        for (from, to) in pairs {
            graph.insert((*from).to_owned(), to.iter().map(|to| (*to).to_owned()).collect());
        }
        graph
    };
    assert_eq!(circle(&graph(&[("a", &["b"]), ("b", &["c"]), ("c", &[])])), None);
    let found = circle(&graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])])).unwrap();
    assert_eq!(found, ["b", "c", "b"]);
}
