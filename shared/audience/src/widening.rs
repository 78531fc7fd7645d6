//! Gives the recipients of one list the variables of an audience that is made of several.

use crate::{Recipient, Variables};

/// From the variables of one list to those of the audience; what the list does not have is empty.
#[derive(Clone, Debug)]
pub struct Widening {
    names: Vec<String>,
    /// For each of the audience's variables, the place of the list's own.
    from: Vec<Option<usize>>,
    values: String,
    ends: Vec<u32>,
}

impl Widening {
    /// To the variables `names` from those of a list.
    pub fn new(names: &[String], of_the_list: &[String]) -> Self {
        let place = |name| of_the_list.iter().position(|other| other == name);
        Self {
            from: names.iter().map(place).collect(),
            names: names.to_vec(),
            values: String::new(),
            ends: Vec::new(),
        }
    }

    /// The recipient with the audience's variables.
    pub fn widen<'a>(&'a mut self, recipient: &Recipient<'a>) -> Recipient<'a> {
        self.values.clear();
        self.ends.clear();
        for place in &self.from {
            let value = place.map_or("", |place| recipient.variables.value(place));
            self.values.push_str(value);
            self.ends
                .push(u32::try_from(self.values.len()).expect("variables have a few kilobytes"));
        }
        Recipient {
            variables: Variables::new(&self.names, &self.values, 0, &self.ends),
            ..*recipient
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_by_name_and_missing_ones_are_empty() {
        let of_the_list = ["b", "a"].map(str::to_owned);
        let names = ["a", "c", "b"].map(str::to_owned);
        let mut widening = Widening::new(&names, &of_the_list);
        let recipient = Recipient {
            user_id: "u1",
            time_zone: None,
            locale: Some("ja"),
            variables: Variables::new(&of_the_list, "xxyz", 1, &[2, 4]),
        };

        let widened = widening.widen(&recipient);

        let variables: Vec<_> = widened.variables.iter().collect();
        assert_eq!(variables, [("a", "yz"), ("c", ""), ("b", "x")]);
        assert_eq!((widened.user_id, widened.locale), ("u1", Some("ja")));
    }
}
