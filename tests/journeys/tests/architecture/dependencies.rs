//! The arrows between packages, and the libraries that only some packages may touch.
//!
//! An arrow that is not in the table is a decision that nobody took: either the code is in the
//! wrong place, or the table and ARCHITECTURE.md change together.

use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::ROOT;

/// Each package, and those of ours that it may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("archive", &[]),
    ("audience", &[]),
    ("campaign", &[]),
    ("emulator", &[]),
    ("fault-points", &[]),
    ("pacing", &[]),
    ("rendezvous", &["fault-points"]),
    ("database", &["audience", "campaign", "fault-points"]),
    ("provider", &["campaign", "fault-points"]),
    ("push-store", &["campaign", "fault-points"]),
    ("task-queue", &["campaign", "fault-points"]),
    (
        "runtime",
        &[
            "database",
            "emulator",
            "fault-points",
            "pacing",
            "provider",
            "push-store",
            "task-queue",
        ],
    ),
    (
        "governor",
        &[
            "campaign",
            "database",
            "fault-points",
            "pacing",
            "provider",
            "runtime",
        ],
    ),
    ("admin", APPLICATION),
    ("jobs", APPLICATION),
    ("sender", APPLICATION),
    (
        "noroshi",
        &[
            "admin",
            "audience",
            "campaign",
            "database",
            "emulator",
            "jobs",
            "push-store",
            "runtime",
            "sender",
            "task-queue",
        ],
    ),
];

const APPLICATION: &[&str] = &[
    "archive",
    "audience",
    "campaign",
    "database",
    "fault-points",
    "governor",
    "pacing",
    "provider",
    "push-store",
    "rendezvous",
    "runtime",
    "task-queue",
];

/// These test all the others, and may depend on anything.
const SUITES: &[&str] = &["bench", "faults", "journeys"];

/// Libraries behind which a whole technology stands, and the only packages that speak to it.
const CONFINED: &[(&str, &[&str])] = &[
    ("axum", &["admin", "emulator", "noroshi", "runtime", "sender"]),
    ("gcloud-sdk", &["emulator", "push-store", "runtime", "task-queue"]),
    ("rusqlite", &["emulator"]),
    ("sqlx", &["database"]),
];

/// A dependency that one package of the workspace declares.
#[derive(Clone, Debug)]
struct Dependency {
    from: String,
    to: String,
    kind: DependencyKind,
    origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Workspace,
    Registry,
}

#[test]
fn every_dependency_is_one_that_was_decided() {
    let metadata = MetadataCommand::new()
        .current_dir(ROOT)
        .no_deps()
        .exec()
        .expect("cargo can read its workspace");
    let packages: Vec<_> = metadata
        .packages
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let dependencies: Vec<_> = metadata.packages.iter().flat_map(declared).collect();

    let complaints: Vec<_> = packages
        .iter()
        .filter_map(|name| of_package(name))
        .chain(dependencies.iter().filter_map(of_dependency))
        .collect();

    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn declared(package: &cargo_metadata::Package) -> impl Iterator<Item = Dependency> {
    package.dependencies.iter().map(|dependency| Dependency {
        from: package.name.to_string(),
        to: dependency.name.clone(),
        kind: dependency.kind,
        origin: if dependency.path.is_some() {
            Origin::Workspace
        } else {
            Origin::Registry
        },
    })
}

fn of_package(name: &str) -> Option<String> {
    let known = SUITES.contains(&name) || allowed(ARROWS, name).is_some();
    (!known)
        .then(|| format!("{name}: a new package; say in ARROWS and in ARCHITECTURE.md what it may depend on"))
}

fn of_dependency(
    Dependency {
        from,
        to,
        kind,
        origin,
    }: &Dependency,
) -> Option<String> {
    if SUITES.contains(&from.as_str()) {
        return None;
    }
    match origin {
        // Anything may be tested against the emulator: it depends on nothing of ours.
        Origin::Workspace if *kind == DependencyKind::Development && to == "emulator" => None,
        Origin::Workspace => {
            let arrows = allowed(ARROWS, from)?;
            let drawn = arrows.contains(&to.as_str());
            (!drawn).then(|| {
                format!("{from} → {to}: not an arrow of ARCHITECTURE.md; {from} may depend on {arrows:?}")
            })
        }
        Origin::Registry => {
            let users = allowed(CONFINED, to)?;
            let confined = users.contains(&from.as_str());
            (!confined).then(|| format!("{from} → {to}: only {users:?} may use {to}; call what they offer"))
        }
    }
}

fn allowed(table: &[(&str, &'static [&'static str])], name: &str) -> Option<&'static [&'static str]> {
    table
        .iter()
        .find(|(row, _)| *row == name)
        .map(|(_, allowed)| *allowed)
}

mod bad_examples {
    use super::*;

    fn dependency(from: &str, to: &str, origin: Origin) -> Dependency {
        Dependency {
            from: from.to_owned(),
            to: to.to_owned(),
            kind: DependencyKind::Normal,
            origin,
        }
    }

    #[test]
    fn the_rules_may_not_know_the_database() {
        let complaint = of_dependency(&dependency("campaign", "database", Origin::Workspace));

        assert!(
            complaint
                .unwrap()
                .starts_with("campaign → database: not an arrow")
        );
    }

    #[test]
    fn sql_may_not_be_spoken_outside_the_database_package_and_its_suites() {
        let complaint = of_dependency(&dependency("admin", "sqlx", Origin::Registry));
        let of_suite = of_dependency(&dependency("journeys", "sqlx", Origin::Registry));

        assert!(
            complaint
                .unwrap()
                .starts_with(r#"admin → sqlx: only ["database"] may use sqlx"#)
        );
        assert_eq!(of_suite, None);
    }

    #[test]
    fn only_tests_may_reach_for_the_emulator() {
        let used = dependency("push-store", "emulator", Origin::Workspace);
        let tested = Dependency {
            kind: DependencyKind::Development,
            ..used.clone()
        };

        assert!(of_dependency(&used).is_some());
        assert_eq!(of_dependency(&tested), None);
    }

    #[test]
    fn a_package_without_a_row_is_not_overlooked() {
        assert!(of_package("utils").unwrap().starts_with("utils: a new package"));
        assert_eq!(of_package("campaign"), None);
    }
}
