//! A recipient, as a view into the text that it was read or unpacked from.

use chrono_tz::Tz;

/// One user of an audience. Cheap to copy: nothing of it is owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient<'a> {
    /// The user: 1 to 128 bytes without control characters.
    pub user_id: &'a str,
    /// The user's time zone; `None` is the campaign's.
    pub time_zone: Option<Tz>,
    /// A well-formed BCP 47 tag; `None` is the message's default.
    pub locale: Option<&'a str>,
    /// The values for the message's templates.
    pub variables: Variables<'a>,
}

/// A recipient's template variables: every variable column of the audience has a value, which
/// may be empty.
#[derive(Clone, Copy, Default)]
pub struct Variables<'a> {
    names: &'a [String],
    /// The values are neighbours in `text`: the first starts at `start`, each ends at its end.
    text: &'a str,
    start: u32,
    ends: &'a [u32],
}

impl<'a> Variables<'a> {
    /// `ends` has one end for each name; all of them and `start` rise and lie on characters of
    /// `text`.
    pub(crate) fn new(names: &'a [String], text: &'a str, start: u32, ends: &'a [u32]) -> Self {
        debug_assert_eq!(names.len(), ends.len());
        Self {
            names,
            text,
            start,
            ends,
        }
    }

    /// The value of that name; `None` where the audience has no such column.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let position = self.names.iter().position(|other| other == name)?;
        Some(self.value(position))
    }

    /// Every name with its value, in the order of the columns.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let variables = *self;
        let names = self.names.iter().map(String::as_str).enumerate();
        names.map(move |(position, name)| (name, variables.value(position)))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether the audience has no variable columns.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names, in the order of the columns; the same for a whole audience.
    pub(crate) fn names(&self) -> &'a [String] {
        self.names
    }

    /// All values, one behind the other.
    pub(crate) fn text(&self) -> &'a str {
        let end = self.ends.last().map_or(self.start, |end| *end);
        &self.text[self.start as usize..end as usize]
    }

    pub(crate) fn value(&self, position: usize) -> &'a str {
        let start = position
            .checked_sub(1)
            .map_or(self.start, |before| self.ends[before]);
        &self.text[start as usize..self.ends[position] as usize]
    }
}

impl PartialEq for Variables<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Variables<'_> {}

impl std::fmt::Debug for Variables<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
