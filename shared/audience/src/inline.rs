//! Audiences that are named in a request instead of uploaded.

/// The audience file of these ids and nothing else, so that they are imported, checked and
/// reported like any other: the id at position `n` from 0 stands on line `n + 2`, as long as none
/// before it has a newline in it.
pub fn file_of_user_ids<'a>(user_ids: impl IntoIterator<Item = &'a str>) -> String {
    let mut file = String::from("user_id\n");
    for user_id in user_ids {
        file.push('"');
        file.push_str(&user_id.replace('"', "\"\""));
        file.push_str("\"\n");
    }
    file
}
