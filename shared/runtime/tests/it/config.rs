//! What an operator hears about a configuration.

use std::path::PathBuf;
use std::time::Duration;

use runtime::config::{Config, ConfigError, Endpoint};
use tempfile::TempDir;

/// A configuration file of its own directory.
struct File {
    _directory: TempDir,
    path: PathBuf,
}

impl File {
    fn with(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("noroshi.toml");
        std::fs::write(&path, text).unwrap();
        Self {
            _directory: directory,
            path,
        }
    }

    fn read(&self) -> Result<Config, ConfigError> {
        self.read_under(&[])
    }

    fn read_under(&self, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::read(Some(&self.path), environment)
    }
}

fn fault(text: &str) -> String {
    File::with(text).read().unwrap_err().to_string()
}

#[test]
fn nothing_set_runs_everything_embedded() {
    let config = Config::read(None, []).unwrap();

    assert_eq!(config, Config::default());
    assert!(config.database.url.is_embedded());
    assert!(config.datastore.endpoint.is_embedded());
    assert!(config.queue.endpoint.is_embedded());
    assert!(config.provider.fcm.endpoint.is_embedded());
}

#[test]
fn a_wrong_value_is_named_by_its_setting() {
    let cases = [
        (
            "[sender]\nbudget = \"soon\"",
            "[sender] budget: must be a whole number with a unit",
        ),
        (
            "[sender]\nbudget = 30",
            "[sender] budget: must be a whole number with a unit",
        ),
        ("[fan_out]\nmutations = 0", "[fan_out] mutations: "),
        (
            "[fan_out]\nmutations = 501",
            "[fan_out] mutations: must be between 2",
        ),
        ("[admin]\nlisten = \"8080\"", "[admin] listen: "),
        (
            "[provider.fcm]\nproject = \"p\"\nendpoint = \"fcm\"",
            "[provider.fcm] endpoint: must be an http:// or https:// URL",
        ),
        (
            "[provider.apns]\nendpoint = \"https://api.push.apple.com\"\nkey_id = \"K\"\nteam_id = \"T\"",
            "[provider.apns] key: must be set when `endpoint` is Apple's",
        ),
        (
            "[provider.web_push]\nstand_in = \"https://push.example.com\"",
            "[provider.web_push] stand_in: must be an http:// URL",
        ),
        (
            "[provider.web_push]\ntimeout = \"25s\"",
            "[sender] budget: must be longer than [provider.web_push] timeout + settle_margin (35s)",
        ),
        ("[log]\nlevel = \"loud\"", "[log] level: must be a level"),
        ("[log]\nformat = \"xml\"", "[log] format: "),
        (
            "[sender]\npermit = \"1s\"",
            "[sender] permit: must be at most \"800ms\"",
        ),
        ("[prune]\nkeep = \"59m\"", "[prune] keep: must be at least \"1h\""),
        (
            "[provider.fcm]\ntimeout = \"0s\"",
            "[provider.fcm] timeout: must be above zero",
        ),
        (
            "[dispatch]\nlook_ahead = \"30d\"",
            "[dispatch] look_ahead: must be at most \"29d\"",
        ),
        (
            "[database]\nurl = \"postgres://db\"",
            "[database] url: must be \"embedded:\"",
        ),
        (
            "[guard]\nreplica_lag_hold_at = \"2s\"",
            "[guard] replica_lag_hold_at: must be more than replica_lag_slow_from",
        ),
        (
            "[guard]\nstatement_slow_from = \"0s\"",
            "[guard] statement_slow_from: must be above zero",
        ),
        (
            "[guard]\ninterval = \"50ms\"",
            "[guard] interval: must be at least \"100ms\"",
        ),
        (
            "[guard]\ninterval = \"3s\"",
            "[guard] replica_lag_slow_from: must not be shorter than interval",
        ),
        (
            "[guard]\ndatastore_errors_hold_at = 101",
            "[guard] datastore_errors_hold_at: must be at most 100",
        ),
        (
            "[guard]\nreplicas = [\"mysql://db/noroshi\"]",
            "[guard] replicas: must be empty when [database] url is not",
        ),
        (
            "[database]\nurl = \"mysql://db/n\"\n[admin]\ntoken = \"env:PATH\"\n[guard]\nreplicas = [\"sqlite:a\"]",
            "[guard] replicas: must each be \"mysql://…\"",
        ),
    ];

    for (text, expected) in cases {
        let said = fault(text);
        assert!(said.starts_with(expected), "{text}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn an_unknown_setting_is_refused_with_those_there_are() {
    let setting = fault("[sender]\nbudgit = \"30s\"");
    let section = fault("[sendr]\nbudget = \"30s\"");

    assert!(
        setting.starts_with("[sender] budgit: unknown field `budgit`"),
        "{setting}"
    );
    assert!(setting.contains("`budget`"), "{setting}");
    assert!(section.starts_with("[sendr] unknown field `sendr`"), "{section}");
}

#[test]
fn the_times_of_a_delivery_must_fit_into_each_other() {
    let cases = [
        (
            "[sender]\nbudget = \"20s\"",
            "[sender] budget: must be longer than [provider.fcm] timeout + settle_margin (20s)",
        ),
        (
            "[provider.fcm]\ntimeout = \"20s\"",
            "[sender] budget: must be longer than",
        ),
        (
            "[sender]\nbudget = \"55s\"",
            "[sender] budget: must be shorter than lease − skew (55s)",
        ),
        (
            "[sender]\nlease = \"2m\"",
            "[sender] lease: must be shorter than [queue] deadline (2m)",
        ),
        (
            "[queue]\ndeadline = \"31m\"",
            "[queue] deadline: must be between \"15s\" and \"30m\"",
        ),
    ];

    for (text, expected) in cases {
        let said = fault(text);
        assert!(said.starts_with(expected), "{text}: {said}");
    }
    assert!(File::with("[sender]\nbudget = \"21s\"").read().is_ok());
    assert!(File::with("[sender]\nbudget = \"54s\"").read().is_ok());
}

#[test]
fn every_rule_that_is_broken_is_told_at_once() {
    let said = fault("[sender]\nbudget = \"1s\"\n[prune]\nkeep = \"1m\"\n[retry]\ncap = \"1ms\"");

    let settings: Vec<_> = said.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(settings, ["[sender] budget", "[retry] cap", "[prune] keep"]);
}

#[test]
fn the_environment_wins_over_the_file_and_takes_the_settings_type() {
    let file = File::with("[sender]\nbudget = \"40s\"\nconcurrency = 4\n[datastore]\nproject = \"a\"");

    let config = file
        .read_under(&[
            ("NOROSHI__SENDER__CONCURRENCY", "8"),
            ("NOROSHI__PROVIDER__FCM__TIMEOUT", "5s"),
            ("NOROSHI__DATASTORE__PROJECT", "12345"),
            ("NOROSHI__FAN_OUT__IN_FLIGHT", "3"),
            ("NOROSHI_TEST_MYSQL_URL", "not ours"),
        ])
        .unwrap();

    assert_eq!(config.sender.budget, Duration::from_secs(40));
    assert_eq!(config.sender.concurrency.get(), 8);
    assert_eq!(config.provider.fcm.timeout, Duration::from_secs(5));
    assert_eq!(config.datastore.project, "12345");
    assert_eq!(config.fan_out.in_flight.get(), 3);
}

#[test]
fn a_list_in_the_environment_stands_between_commas() {
    let file = File::with("[database]\nurl = \"mysql://db/noroshi\"\n[admin]\ntoken = \"env:PATH\"");

    let config = file.read_under(&[
        ("NOROSHI__GUARD__ENABLED", "false"),
        (
            "NOROSHI__GUARD__REPLICAS",
            "mysql://one/noroshi, mysql://two:3307/noroshi",
        ),
    ]);

    let guard = config.unwrap().guard;
    let servers = guard.replicas.iter().filter_map(|url| url.server());
    assert_eq!(servers.collect::<Vec<_>>(), ["one:3306", "two:3307"]);
    assert!(!guard.enabled);
}

#[test]
fn a_fault_in_the_environment_names_the_variable() {
    let cases = [
        (
            "NOROSHI__SENDER__CONCURRENCY",
            "many",
            "[sender] concurrency: must be a whole number",
        ),
        (
            "NOROSHI__SENDER__BUDGET",
            "soon",
            "[sender] budget: must be a whole number with a unit",
        ),
        (
            "NOROSHI__SENDER__BUDGET",
            "1s",
            "[sender] budget: must be longer than",
        ),
        ("NOROSHI__SENDER__BUDGIT", "1s", "[sender] budgit: unknown field"),
        ("NOROSHI__SENDR__BUDGET", "1s", "[sendr] unknown field"),
        ("NOROSHI__SENDER", "1s", "[sender] is a section"),
    ];

    for (variable, value, expected) in cases {
        let said = File::with("")
            .read_under(&[(variable, value)])
            .unwrap_err()
            .to_string();
        assert!(said.starts_with(expected), "{variable}={value}: {said}");
        assert!(said.ends_with(&format!("(set by {variable})")), "{said}");
    }
}

#[test]
fn a_project_makes_a_part_googles_and_an_endpoint_needs_a_project() {
    let google = File::with("[datastore]\nproject = \"p\"\n[provider.fcm]\nproject = \"p\"")
        .read()
        .unwrap();
    let emulator = File::with("[datastore]\nproject = \"p\"\nendpoint = \"http://127.0.0.1:8085\"")
        .read()
        .unwrap();
    let embedded = File::with("[datastore]\nproject = \"p\"\nendpoint = \"embedded:\"")
        .read()
        .unwrap();

    assert_eq!(
        google.datastore.endpoint.to_string(),
        "https://datastore.googleapis.com"
    );
    assert_eq!(
        google.provider.fcm.endpoint.to_string(),
        "https://fcm.googleapis.com"
    );
    assert_eq!(google.queue.endpoint, Endpoint::Embedded);
    assert_eq!(emulator.datastore.endpoint.to_string(), "http://127.0.0.1:8085");
    assert!(embedded.datastore.endpoint.is_embedded());
    assert_eq!(
        fault("[datastore]\nendpoint = \"http://127.0.0.1:8085\""),
        "[datastore] project: must be set when `endpoint` is not \"embedded:\""
    );
}

#[test]
fn what_production_cannot_do_without_is_asked_for() {
    let queue = fault("[queue]\nproject = \"p\"");
    let token = fault("[database]\nurl = \"mysql://noroshi@db/noroshi\"");

    assert!(queue.contains("[queue] location: must be set"), "{queue}");
    assert!(queue.contains("[queue] handler: must be set"), "{queue}");
    assert!(queue.contains("[queue] service_account: must be set"), "{queue}");
    assert_eq!(
        token,
        "[admin] token: must be set when [database] url is not \"embedded:\""
    );
}

#[test]
fn no_secret_is_ever_printed() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        format!("file:{}", path.display())
    };
    let url = write("url", "mysql://noroshi:canary-url@db/noroshi");
    let replica = write("replica", "mysql://noroshi:canary-replica@replica/noroshi");
    let token = write("token", "canary-token");
    let key = write("key", "canary-key");
    let text = format!(
        "[database]\nurl = \"{url}\"\n[admin]\ntoken = \"{token}\"\n[provider.fcm]\nproject = \"p\"\ncredentials = \"{key}\"\n[guard]\nreplicas = [\"{replica}\"]"
    );

    let config = File::with(&text).read().unwrap();

    assert_eq!(config.admin.token.as_ref().unwrap().expose(), "canary-token");
    let printed = format!("{}\n{config:?}\n{config:#?}", config.redacted());
    assert!(!printed.contains("canary"), "{printed}");
    assert_eq!(config.guard.replicas[0].server().as_deref(), Some("replica:3306"));
    assert!(
        printed.contains(&token) && printed.contains("mysql://noroshi:***@db/noroshi"),
        "{printed}"
    );
}

#[test]
fn a_fault_never_quotes_a_secret() {
    let cases = [
        "[admin]\ntoken = \"canary",
        "[admin]\ntoken = \"canary\"",
        "[admin]\ntoken = [\"canary\"]",
        "[database]\nurl = \"mysql://noroshi:canary@db/noroshi\"",
        "[database]\nurl = \"canary://noroshi\"",
        "[database]\nurl = { canary = 1 }",
        "[guard]\nreplicas = [\"mysql://noroshi:canary@db/noroshi\"]",
        "[provider.fcm]\ncredentials = \"canary\"",
        "[provider.fcm]\nendpoint = \"https://noroshi:canary@host\"\nproject = \"p\"",
        "[admin]\ntoken = canary",
    ];

    for text in cases {
        let error = File::with(text).read().unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("canary"),
            "{text}: {error}"
        );
    }
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_line_and_column() {
    let file = File::with("[sender]\nbudget = \"30s\"\nlease == \"60s\"\n");

    let error = file.read().unwrap_err().to_string();

    assert!(
        error.starts_with(&format!("{}:3:8: ", file.path.display())),
        "{error}"
    );
}

#[test]
fn a_file_that_is_not_there_is_refused_by_name() {
    let error = Config::read(Some("/no/such/noroshi.toml".as_ref()), []).unwrap_err();

    assert_eq!(error.to_string(), "cannot read /no/such/noroshi.toml");
}

#[test]
fn files_that_several_machines_share_are_in_no_local_database() {
    let shared = "[admin]\ntoken = \"env:PATH\"\n[database]\nurl = \"mysql://root@db/noroshi\"\n";
    let of = |files: &str| File::with(&format!("{shared}[files]\n{files}")).read();

    let local = of("database = \"embedded:\"").unwrap_err().to_string();
    let own = of("database = \"mysql://root@db/files\"").unwrap();
    let short = of("keep_reports = \"5s\"").unwrap_err().to_string();
    let secret = of("database = \"mysql://u:canary@db/files\"")
        .unwrap_err()
        .to_string();

    assert!(
        local.contains("[files] database: must not be \"embedded:\""),
        "{local}"
    );
    assert_eq!(own.files.database.unwrap().to_string(), "mysql://root@db/files");
    assert!(
        short.contains("[files] keep_reports: must be at least"),
        "{short}"
    );
    assert!(
        secret.contains("[files] database: holds a password") && !secret.contains("canary"),
        "{secret}"
    );
}
