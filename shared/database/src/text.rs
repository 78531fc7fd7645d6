//! Free text that must fit its column.

/// The first `characters` of `text`: what MySQL counts in a VARCHAR. For words of other systems,
/// which must not make the note about them fail.
pub(crate) fn cut(text: &str, characters: usize) -> &str {
    match text.char_indices().nth(characters) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut("狼煙!", 2), "狼煙");
        assert_eq!(cut("狼煙!", 3), "狼煙!");
        assert_eq!(cut("", 0), "");
    }
}
