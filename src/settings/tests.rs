//! Conversations with the settings: lines of a file, and the settings or the error that they make.

use std::time::Duration;

use super::*;
use crate::events::ConsoleStyle;
use gradebook::{Budget, Decimal, StatisticsMode};

/// Settings from a file with these lines and a class file.
fn read(lines: &str) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.toml");
    let class = if lines.contains("[gradebook]") { "" } else { "[gradebook]\nfile = \"c.csv\"\n" };
    std::fs::write(&path, format!("{class}{lines}")).unwrap();
    Settings::read(Some(&path))
        .map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "FOLDER"))
}

#[track_caller]
fn rejected(lines: &str) -> String {
    match read(lines) {
        Ok(_) => panic!("was accepted"),
        Err(text) => text,
    }
}

#[test]
fn the_defaults_are_valid_except_for_the_missing_class_file() {
    let settings = read("").unwrap();
    assert_eq!(settings.listen, ["127.0.0.1:50000".parse().unwrap()]);
    assert_eq!(settings.console, ConsoleStyle::Log);
    assert!(settings.sources.class.ends_with("c.csv"));
    assert!(settings.sources.class.is_absolute(), "beside the settings file");
}

#[test]
fn the_error_for_an_unknown_setting_names_the_nearest() {
    for (lines, text) in [
        (
            "[console]\nstile = \"lab\"",
            "console.stile: no such setting; the nearest is console.style",
        ),
        (
            "[consle]\nstyle = \"lab\"",
            "consle.style: no such setting; the nearest is console.style",
        ),
        (
            "[limits]\nconections = 3",
            "limits.conections: no such setting; the nearest is limits.connections",
        ),
        ("[x]\ny = 3", "x.y: no such setting; grade-actor-server settings prints them all"),
        (
            "server = 3\n[gradebook]",
            "server: is a section; write [server], and its settings below it",
        ),
    ] {
        assert_eq!(rejected(lines), format!("FOLDER/my.toml: {text}"));
    }
    let key = "k".repeat(30);
    assert!(rejected(&format!("[server]\n{key} = 1")).contains("server.<30 letters>: no such"));
}

#[test]
fn a_value_in_a_file_has_the_kind_of_its_default() {
    for (lines, text) in [
        ("[server]\nworkers = \"2\"", "server.workers = \"2\": is not a whole number"),
        ("[gradebook]\nwatch = \"true\"", "is not true or false, without quotes"),
        ("[gradebook]\nwatch = 1", "is not true or false, without quotes"),
        ("[server]\nlisten = 50000", "is not a text in quotes"),
        ("[server]\nlisten = [50000]", "is not a list of texts in quotes"),
        ("[server]\nlisten = []", "server.listen = []: must name an address"),
        ("[server]\nlisten = [\"127.0.0.1:7\", \"\"]", "= [\"127.0.0.1:7\", \"\"]: is not an IP"),
        ("[server]\nprofile = [\"lab\"]", "is not a text in quotes"),
        ("[server]\nlisten = [\"127.0.0.1:0\", \"127.0.0.1:0\"]", "names an address twice"),
    ] {
        assert!(rejected(lines).contains(text), "{lines}: {}", rejected(lines));
    }
    assert!(read("[limits]\nline_bytes = \"2KiB\"\noutput_bytes = 8192").is_ok());
}

#[test]
fn a_server_may_listen_on_several_addresses() {
    let settings = read("[server]\nlisten = [\"127.0.0.1:7\", \"[::1]:7\"]").unwrap();
    assert_eq!(settings.listen, ["127.0.0.1:7".parse().unwrap(), "[::1]:7".parse().unwrap()]);
    let text = rejected("[server]\nlisten = [\"127.0.0.1:7\", \"0.0.0.0:7\"]");
    assert!(text.contains("requests in clear from other machines"), "{text}");
}

#[test]
fn the_page_is_served_where_nobody_can_change_it_on_the_way() {
    let sealed = "[sealed]\naudience = \"a\"\n[server]\nprofile = \"sealed\"\n";
    let check = |server: &str, http: &str| read(&format!("{sealed}{server}\n[http]\n{http}"));
    let keys = "certificate = \"c.pem\"\nkey = \"k.pem\"\n";
    let everywhere = "listen = \"0.0.0.0:8443\"\n";
    assert!(check("", "").unwrap().http.is_none());
    assert!(check("", "listen = \"127.0.0.1:8080\"").unwrap().http.unwrap().certificate.is_none());
    assert!(check("", &format!("{everywhere}{keys}")).unwrap().http.unwrap().certificate.is_some());
    assert!(check("proxies = [\"192.0.2.7\"]", everywhere).is_ok());
    for (server, http, text) in [
        ("", everywhere, "http.listen = \"0.0.0.0:8443\": would serve the page without TLS"),
        (
            "",
            "listen = \"localhost:1\"",
            "http.listen = \"localhost:1\": is not an IP address and a port",
        ),
        ("", "listen = \"127.0.0.1:50000\"", "is an address of server.listen too"),
        ("", "certificate = \"c.pem\"", "http.key = \"\": must name the private key"),
        ("", "key = \"k.pem\"", "http.certificate = \"\": must name the certificate"),
        ("", keys, "http.certificate = \"c.pem\": is of no use without http.listen"),
        ("", "public_url = \"http://a.example\"", "must be https://HOST or https://HOST:PORT"),
        ("", "public_url = \"https://a.example/grades\"", "without a path"),
    ] {
        let rejected = check(server, http).err().unwrap().to_string();
        assert!(rejected.contains(text), "{http}: {rejected}");
    }
    for http in ["listen = \"127.0.0.1:8080\"", "public_url = \"https://a.example\""] {
        let text = rejected(&format!("[http]\n{http}"));
        assert!(text.contains("is for server.profile = \"sealed\" only"), "{text}");
    }
}

#[test]
fn a_proxy_is_an_address_or_a_network() {
    let proxies = |list| read(&format!("[server]\nproxies = {list}")).map(|read| read.proxies);
    assert!(proxies("[]").unwrap().is_empty());
    assert!(proxies("\"\"").unwrap().is_empty());
    let both = proxies("[\"192.0.2.7\", \"2001:db8::/32\"]").unwrap();
    assert!(both.contains("192.0.2.7".parse().unwrap()));
    assert!(both.contains("2001:db8::7".parse().unwrap()));
    assert!(!both.contains("192.0.2.8".parse().unwrap()));
    assert!(rejected("[server]\nproxies = [\"0.0.0.0/0\"]").contains("names every address"));
    for list in ["[\"localhost\"]", "[\"192.0.2.0/33\"]", "[\"192.0.2.7:80\"]"] {
        let text = rejected(&format!("[server]\nproxies = {list}"));
        assert!(text.contains("server.proxies") && text.contains("is not a list"), "{text}");
    }
}

#[test]
fn the_error_for_an_invalid_value_names_the_setting_and_the_fix() {
    for (lines, text) in [
        ("[server]\nworkers = 0", "server.workers = 0: must be 1 to 1024; the default is 1"),
        (
            "[server]\nworkers = \"many\"",
            "server.workers = \"many\": is not a whole number; the default is 1",
        ),
        (
            "[server]\nlisten = \"localhost\"",
            "server.listen = \"localhost\": is not an IP address and a port, like 127.0.0.1:50000 or [::1]:50000; the default is \"127.0.0.1:50000\"",
        ),
        (
            "[timeouts]\nidle = \"3 parsecs\"",
            "timeouts.idle = \"3 parsecs\": is not a duration; the default is \"10m\"",
        ),
        (
            "[gradebook]\nrows_max = 1.5",
            "gradebook.rows_max = 1.5: is not a whole number; the default is 1000000",
        ),
        (
            "[gradebook]\nfile = 3",
            "gradebook.file = 3: is not a text in quotes; the default is \"\"",
        ),
        (
            "[timeouts]\nidle = \"0s\"",
            "timeouts.idle = \"0s\": must be greater than zero; the default is \"10m\"",
        ),
        (
            "[console]\nstyle = \"loud\"",
            "console.style = \"loud\": must be \"lab\", \"log\", \"json\" or \"quiet\"; the default is \"log\"",
        ),
        (
            "[audit]\ntimeout = \"0s\"",
            "audit.timeout = \"0s\": must be greater than zero; the default is \"1s\"",
        ),
    ] {
        assert_eq!(rejected(lines), format!("FOLDER/my.toml: {text}"));
    }
    assert!(
        rejected("[gradebook]\nwatch = true")
            .contains("gradebook.file = \"\": must name the class file")
    );
    assert!(rejected("[server").contains("unclosed table"));
}

#[test]
fn a_value_as_long_as_a_key_is_not_shown() {
    let key = format!("{}=", "k".repeat(43));
    for setting in
        ["[console]\nstyle", "[server]\nworkers", "[timeouts]\nidle", "[lab]\nreveal_key"]
    {
        let text = rejected(&format!("{setting} = \"{key}\""));
        assert!(!text.contains(&key) && text.contains(" = <44 base64 characters>: "), "{text}");
    }
    let text = rejected(&format!("[server]\n{key}"));
    assert!(!text.contains(&key) && text.contains("line 4, column"), "{text}");
}

#[test]
fn keys_are_revealed_on_loopback_only() {
    let reveal = |listen| format!("[server]\nlisten = \"{listen}\"\n[lab]\nreveal_key = true");
    let sealed = "[server]\nprofile = \"sealed\"\n[sealed]\naudience = \"a\"\n";
    let text = rejected(&format!("{sealed}[lab]\nreveal_key = true"));
    assert!(text.contains("is for server.profile = \"lab\" only"), "{text}");
    assert!(read(&reveal("127.0.0.1:0")).is_ok());
    assert!(read(&reveal("[::1]:0")).is_ok());
    assert!(rejected(&reveal("0.0.0.0:50000")).contains("works on loopback only"));
    assert!(rejected(&reveal("192.0.2.1:50000")).contains("works on loopback only"));
}

#[test]
fn requests_in_clear_are_for_this_machine_unless_allowed() {
    let listen = "[server]\nlisten = \"0.0.0.0:0\"\n";
    assert!(rejected(listen).contains("or server.allow_clear_requests = true"));
    assert!(read(&format!("{listen}allow_clear_requests = true")).is_ok());
    let sealed = format!("{listen}profile = \"sealed\"\n[sealed]\naudience = \"nets-2026\"");
    assert!(read(&sealed).is_ok());
}

#[test]
fn a_profile_has_its_own_defaults_and_required_settings() {
    let sealed = "[server]\nprofile = \"sealed\"\n";
    assert!(rejected(sealed).contains("sealed.audience = \"\": must name course and term"));
    assert!(rejected(&format!("{sealed}[sealed]\naudience = \"two words\"")).contains("audience"));
    let named = format!("{sealed}[sealed]\naudience = \"nets-2026\"\n");
    assert_eq!(read(&named).unwrap().policy.population_min, 5);
    assert_eq!(read("").unwrap().policy.population_min, 1);
    let lab = read(&format!("{named}[console]\nstyle = \"lab\"")).unwrap();
    assert!(lab.warnings[0].contains("prints the name and the marks of every student"));
    assert!(read("[console]\nstyle = \"lab\"").unwrap().warnings.is_empty());
    let explicit = format!("{named}[gradebook]\nfile = \"c.csv\"\npopulation_min = 3");
    assert_eq!(read(&explicit).unwrap().policy.population_min, 3);
    let digits = format!("{named}[lab]\nid_digits = 0");
    assert!(rejected(&digits).contains("lab.id_digits = 0"), "checked in every profile");
    let short = format!("{named}[limits]\nline_bytes = 100");
    assert!(rejected(&short).contains("must be 512 to 65536"));
    assert!(rejected("[server]\nprofile = \"open\"").contains("must be \"lab\" or \"sealed\""));
}

#[test]
fn no_two_settings_may_name_the_same_file() {
    for lines in [
        "[gradebook]\nfile = \"a\"\nkeys_file = \"a\"",
        "[gradebook]\nfile = \"a\"\nkeys_file = \"b\"\nhistory = \"a\"",
        "[gradebook]\nfile = \"a\"\nkeys_file = \"b\"\nhistory = \"h\"\nstate_file = \"a\"",
        "[audit]\nfile = \"c.csv\"",
        "[gradebook]\nfile = \"a\"\nkeys_file = \"b.head\"\n[audit]\nfile = \"b\"",
    ] {
        assert!(rejected(lines).contains("too; name another file"), "{lines}");
    }
    let history =
        "[gradebook]\nfile = \"a\"\nkeys_file = \"b\"\nhistory = \"h\"\nstate_file = \"c\"";
    assert!(read(history).is_ok());
    assert!(read("[gradebook]\nfile = \"a\"\nkeys_file = \".head\"").is_ok());
}

#[test]
fn a_history_requires_a_key_file_and_keeps_an_edition_at_least() {
    let with =
        |lines: &str| format!("[gradebook]\nfile = \"c.csv\"\nkeys_file = \"k.csv\"\n{lines}\n");
    let history = |lines: &str| read(&with(lines)).unwrap().history;
    let kept = history("history = \"h\"").unwrap();
    assert_eq!(kept.editions_max, 100);
    assert_eq!(kept.mode, PublishMode::OnSave);
    assert!(kept.socket.ends_with("h/admin.sock"));
    let kept = history("history = \"h\"\nhistory_max = 1\npublish = \"on-command\"").unwrap();
    assert_eq!((kept.editions_max, kept.mode), (1, PublishMode::OnCommand));
    assert!(history("").is_none());
    for (lines, why) in [
        ("history = \"h\"\nhistory_max = 0", "gradebook.history_max = 0: must be 1 to 100000"),
        ("history = \"h\"\nhistory_max = 100001", "must be 1 to 100000"),
        ("history = \"h\"\npublish = \"later\"", "must be \"on-save\" or \"on-command\""),
        ("state_file = \"s\"", "is replaced by gradebook.history"),
        ("publish = \"on-command\"", "requires gradebook.history"),
        ("[admin]\nsocket = \"s\"", "admin.socket"),
    ] {
        let text = rejected(&with(lines));
        assert!(text.contains(why), "{lines}: {text}");
    }
    let text = rejected("[gradebook]\nfile = \"c.csv\"\nhistory = \"h\"");
    assert!(text.contains("requires gradebook.keys_file"), "{text}");
}

#[test]
fn statistics_are_plain_in_the_lab_and_private_where_sealed_and_the_budget_is_read_exactly() {
    let policy = |lines: &str| read(lines).unwrap().policy;
    let budget =
        |text: &str| StatisticsMode::Private(Budget::new(Decimal::parse(text).unwrap()).unwrap());
    let sealed = "[server]\nprofile = \"sealed\"\n[sealed]\naudience = \"nets\"\n";
    assert_eq!(policy("").mode, StatisticsMode::Plain);
    assert_eq!(policy(sealed).mode, budget("4"));
    let with = |value: &str| {
        format!(
            "[gradebook]\nfile = \"c.csv\"\nstatistics = \"private\"\nprivacy_budget = {value}\n"
        )
    };
    for (value, exact) in [
        ("2", "2"),
        ("0.1", "0.1"),
        ("1e-3", "0.001"),
        ("\"0.123456789012345678\"", "0.123456789012345678"),
    ] {
        assert_eq!(policy(&with(value)).mode, budget(exact), "{value}");
    }
    for value in [
        "0",
        "-1",
        "\"\"",
        "\"many\"",
        "nan",
        "inf",
        "\"0.1234567890123456789\"",
        "\"1.5e-18\"",
        "true",
        "\"1000000000000\"",
    ] {
        let text = rejected(&with(value));
        assert!(text.contains("gradebook.privacy_budget"), "{value}: {text}");
    }
    let other = "[gradebook]\nfile = \"c.csv\"\nstatistics = \"noisy\"";
    assert!(rejected(other).contains("must be \"plain\" or \"private\""));
}

#[test]
fn sizes_and_durations_have_units() {
    let settings =
        read("[limits]\noutput_bytes = \"8KiB\"\n[timeouts]\nidle = \"1m 30s\"").unwrap();
    assert_eq!(settings.session.batch.output_bytes, 8192);
    assert_eq!(settings.session.timeouts.idle, Duration::from_secs(90));
}

#[test]
fn a_retired_setting_causes_a_warning_and_the_others_apply() {
    let settings = read("[timeouts]\nlinger = \"9s\"\nidle = \"1m\"").unwrap();
    let [warning] = &settings.warnings[..] else { panic!("{:?}", settings.warnings) };
    assert!(warning.ends_with("my.toml: timeouts.linger is no longer a setting; it is 2s"));
    assert_eq!(settings.session.timeouts.linger, Duration::from_secs(2));
    assert_eq!(settings.session.timeouts.idle, Duration::from_secs(60));
    assert!(read("").unwrap().warnings.is_empty());
}
