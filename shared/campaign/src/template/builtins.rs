//! The filters and tests of message templates.

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, filters, tests};

use super::language;

/// No filter makes a text longer than this, in bytes; a payload has far less.
const MAX_FILTERED_BYTES: usize = 16 * 1024;

/// A name, and how what it stands for is made known to an environment.
type Builtin = (&'static str, fn(&mut Environment<'static>, &'static str));

const FILTERS: [Builtin; 14] = [
    ("capitalize", |to, name| to.add_filter(name, filters::capitalize)),
    ("d", |to, name| to.add_filter(name, filters::default)),
    ("default", |to, name| to.add_filter(name, filters::default)),
    ("float", |to, name| to.add_filter(name, filters::float)),
    ("int", |to, name| to.add_filter(name, filters::int)),
    ("length", |to, name| to.add_filter(name, filters::length)),
    ("lower", |to, name| to.add_filter(name, filters::lower)),
    ("replace", |to, name| to.add_filter(name, replace)),
    ("round", |to, name| to.add_filter(name, filters::round)),
    ("title", |to, name| to.add_filter(name, filters::title)),
    ("trim", |to, name| to.add_filter(name, filters::trim)),
    ("truncate", |to, name| to.add_filter(name, truncate)),
    ("upper", |to, name| to.add_filter(name, filters::upper)),
    ("urlencode", |to, name| to.add_filter(name, filters::urlencode)),
];

const TESTS: [Builtin; 3] = [
    ("defined", |to, name| to.add_test(name, tests::is_defined)),
    ("endingwith", |to, name| to.add_test(name, tests::is_endingwith)),
    ("startingwith", |to, name| {
        to.add_test(name, tests::is_startingwith)
    }),
];

/// The names of the filters, in alphabetical order.
pub(super) fn filters() -> impl Iterator<Item = &'static str> + Clone {
    FILTERS.iter().map(|(name, _)| *name)
}

/// The names of the tests, in alphabetical order.
pub(super) fn tests() -> impl Iterator<Item = &'static str> + Clone {
    TESTS.iter().map(|(name, _)| *name)
}

/// An environment without templates that knows exactly these.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(language::syntax());
    for (name, add) in FILTERS.iter().chain(&TESTS) {
        add(&mut environment, name);
    }
    environment
}

/// Jinja's `replace`, with a bound: a chain of them multiplies.
fn replace(text: &str, from: &str, to: &str) -> Result<String, Error> {
    let places = text.matches(from).count();
    if text.len().saturating_add(places.saturating_mul(to.len())) > MAX_FILTERED_BYTES {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            "the replaced text is too long",
        ));
    }
    Ok(text.replace(from, to))
}

/// The first `length` characters, the last of them `…` where something was cut off.
fn truncate(text: &str, length: usize) -> String {
    if text.chars().nth(length).is_none() {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(length.saturating_sub(1)).collect();
    cut.push('…');
    cut
}
