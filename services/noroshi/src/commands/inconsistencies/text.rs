//! Inconsistencies as people read them, with what can be done next.

use super::view::{Event, History, Inconsistency, Page};
use crate::table::{Table, age};

/// Characters of a store's words in a list.
const DETAIL: usize = 60;

/// A page as a table.
pub(super) fn list(page: &Page) -> String {
    let Some(first) = page.items.first() else {
        return "There are none: as far as is known, both databases agree.".to_owned();
    };
    let mut table = Table::with_header(["ID", "STATE", "AGE", "KIND", "CHUNK", "CAMPAIGN", "WHY"]);
    for Inconsistency {
        id,
        state,
        age_seconds,
        kind,
        chunk_no,
        campaign_id,
        detail,
        ..
    } in &page.items
    {
        let why = cut(&plain(detail));
        table.row([id, state, &age(*age_seconds), kind, chunk_no, campaign_id, &why]);
    }
    let more = page.next_cursor.as_ref().map_or(String::new(), |cursor| {
        format!("There are more: the same again with --cursor {cursor}\n")
    });
    let id = &first.id;
    format!(
        "{table}\n\n{more}What one means: noroshi inconsistencies explain {id}\n\
         To have it repaired now: noroshi inconsistencies repair {id}"
    )
}

/// Everything that is known of one.
pub(super) fn show(history: &History) -> String {
    let Inconsistency {
        id,
        intent_id,
        campaign_id,
        chunk_no,
        kind,
        detail,
        state,
        age_seconds,
        ..
    } = &history.inconsistency;
    let mut table = Table::new();
    table.row([&"inconsistency", id]);
    table.row([&"state", state]);
    table.row([&"kind", kind]);
    table.row([&"campaign", campaign_id]);
    table.row([&"chunk", &format!("no. {chunk_no}")]);
    table.row([&"intent", intent_id]);
    table.row([&"age", &age(*age_seconds)]);
    let mut events = Table::new();
    events.row([&history.inconsistency.detected_at, &"noticed", &plain(detail)]);
    for Event {
        state,
        detail,
        occurred_at,
    } in &history.events
    {
        events.row([occurred_at, &became(state), &plain(detail)]);
    }
    format!("{table}\n\n{events}\n\nWhat it means: noroshi inconsistencies explain {id}")
}

/// What came of a request for a repair.
pub(super) fn repair(history: &History) -> String {
    let Inconsistency {
        id,
        state,
        resolution,
        ..
    } = &history.inconsistency;
    let how = plain(resolution.as_deref().unwrap_or("for no reason that is known"));
    match state.as_str() {
        "repaired" => format!("It is repaired: {how}."),
        "dead" => format!("It was given up: {how}.\nWhat that means: noroshi inconsistencies explain {id}"),
        _ => format!(
            "It is open still, and due: the next pass of reconcile tries it.\n\
             To see whether it has: noroshi inconsistencies show {id}"
        ),
    }
}

fn became(state: &str) -> &str {
    match state {
        "open" => "opened again",
        "dead" => "given up",
        other => other,
    }
}

/// Words of a store, without what would move a terminal's cursor.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(DETAIL) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inconsistency(detail: &str) -> Inconsistency {
        Inconsistency {
            id: "0198b0c4-7b1e-7c3a-9d55-0b2f5c1e8a10".to_owned(),
            intent_id: "0198b0c4-7b1e-7c3a-9d55-0b2f5c1e8a11".to_owned(),
            campaign_id: "0198b0c4-7b1e-7c3a-9d55-0b2f5c1e8a12".to_owned(),
            chunk_no: 7,
            kind: "unknown".to_owned(),
            detail: detail.to_owned(),
            state: "open".to_owned(),
            resolution: None,
            detected_at: "2026-07-01T12:00:00Z".to_owned(),
            age_seconds: 75,
        }
    }

    #[test]
    fn a_list_says_what_to_do_with_its_first_and_where_it_goes_on() {
        let page = Page {
            items: vec![inconsistency("deadline exceeded")],
            next_cursor: Some("BAAB".to_owned()),
        };

        let list = list(&page);

        let lines: Vec<_> = list.lines().collect();
        assert!(lines[0].starts_with("ID") && lines[0].ends_with("WHY"), "{list}");
        assert!(lines[1].contains("open   1 min  unknown      7"), "{list}");
        assert!(list.contains("--cursor BAAB"));
        assert!(list.ends_with("repair 0198b0c4-7b1e-7c3a-9d55-0b2f5c1e8a10"));
    }

    #[test]
    fn a_stores_words_move_no_cursor_and_are_cut() {
        let page = Page {
            items: vec![inconsistency(&format!("\u{1b}[2J{}", "x".repeat(100)))],
            next_cursor: None,
        };

        let list = list(&page);

        assert!(!list.contains('\u{1b}'));
        assert!(
            list.contains(&format!(" [2J{}…", "x".repeat(DETAIL - 4))),
            "{list}"
        );
    }
}
