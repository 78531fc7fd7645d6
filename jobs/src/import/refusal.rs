//! A refusal as the database keeps it.

use audience::Refusal;

/// Characters that the column takes.
const MAX_CHARACTERS: usize = 512;

/// The refusal for people, cut where it is too long: a header may have long names.
pub(super) fn stored(refusal: &Refusal) -> String {
    let text = refusal.to_string();
    if text.chars().count() <= MAX_CHARACTERS {
        return text;
    }
    text.chars().take(MAX_CHARACTERS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_refusal_is_cut_to_what_the_column_takes() {
        let columns = vec!["長い名前".repeat(40); 10];

        let text = stored(&Refusal::NoUserId { columns });

        assert_eq!(text.chars().count(), MAX_CHARACTERS);
        assert!(text.starts_with("the header has no column `user_id`") && text.ends_with('…'));
    }
}
