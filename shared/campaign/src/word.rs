//! Words that stand for states, lanes and reasons in the stores, the API and the logs.

/// Declares enums whose variants have one word each. A word never changes its meaning, because
/// it is stored.
macro_rules! words {
    ($($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// Every variant, in the order of the declaration.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word that the stores and the API use.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The variant of that word, if there is one.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|variant| variant.as_str() == word)
            }
        }
    )+};
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    use crate::{Lane, PushState};

    #[test]
    fn words_and_variants_are_one_to_one() {
        assert_eq!(Lane::ALL.map(Lane::as_str), ["fast", "bulk"]);
        assert_eq!(
            PushState::ALL.map(|state| PushState::parse(state.as_str())),
            PushState::ALL.map(Some)
        );
        assert_eq!(PushState::parse("Sent"), None);
    }
}
