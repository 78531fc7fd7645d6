//! Words that stand for states and kinds in the tables.

/// Declares an enum whose variants are stored as one word each.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every variant, in the order of its declaration.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word that the tables and the API use.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The variant of that word, if there is one.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|variant| variant.as_str() == word)
            }
        }

        impl From<$name> for crate::Value<'_> {
            fn from(value: $name) -> Self {
                value.as_str().into()
            }
        }

        impl crate::Column for $name {
            fn read_nullable(row: &crate::Row, column: &str) -> Result<Option<Self>, crate::Error> {
                let word: Option<String> = row.get(column)?;
                word.map(|word| {
                    Self::parse(&word)
                        .ok_or_else(|| crate::Error::fault(format!("column {column}: unknown word {word:?}")))
                })
                .transpose()
            }
        }
    )+};
}

pub(crate) use words;
