//! Deliberate wrongs, which a proof must find.

use std::fmt;
use std::str::FromStr;

macro_rules! bugs {
    ($(#[doc = $text:literal] $bug:ident;)*) => {
        /// A deliberate wrong. Each is one condition in the program.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Bug {
            $(#[doc = $text] $bug,)*
        }

        impl Bug {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$bug,)*];

            /// Its name, as in reports and in the environment.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$bug => stringify!($bug),)*
                }
            }

            /// What is wrong, in a sentence.
            pub fn description(self) -> &'static str {
                match self {
                    $(Self::$bug => $text.trim_ascii_start(),)*
                }
            }
        }
    };
}

bugs! {
    /// A SQL commit whose answer is lost is taken for done.
    UnknownTakenForCommitted;
    /// Grants are made without asking how many the chunk may still make.
    StockNotAsked;
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that is the name of no bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownBug(String);

impl fmt::Display for UnknownBug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no seeded bug `{}`", self.0)
    }
}

impl std::error::Error for UnknownBug {}

impl FromStr for Bug {
    type Err = UnknownBug;

    fn from_str(name: &str) -> Result<Self, UnknownBug> {
        let found = Self::ALL.iter().find(|bug| bug.name() == name);
        found.copied().ok_or_else(|| UnknownBug(name.to_owned()))
    }
}
