//! What is made of the samples of several rounds.

use serde::Serialize;

/// The middle of the samples, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    /// The middle one, or the mean of the two in the middle.
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of at least one sample; `None` of none.
    pub(crate) fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let upper = sorted.len() / 2;
        let lower = (sorted.len() - 1) / 2;
        Some(Self {
            median: f64::midpoint(sorted[lower], sorted[upper]),
            min,
            max,
        })
    }

    /// Of the quotients of samples taken in the same rounds.
    pub(crate) fn of_ratios(ours: &[f64], theirs: &[f64]) -> Option<Self> {
        let ratios: Vec<f64> = ours
            .iter()
            .zip(theirs)
            .map(|(ours, theirs)| ours / theirs)
            .collect();
        Self::of(&ratios)
    }

    /// The three, written by `write`: `5 (4–6)`.
    pub(crate) fn show(self, write: impl Fn(f64) -> String) -> String {
        format!("{} ({}–{})", write(self.median), write(self.min), write(self.max))
    }
}

/// A spread for people, or a dash where there is none.
pub(crate) fn show(spread: Option<Spread>, write: impl Fn(f64) -> String) -> String {
    spread.map_or_else(|| "–".to_owned(), |spread| spread.show(write))
}

/// A rate for people: `41,200`.
pub(crate) fn whole(figure: f64) -> String {
    noroshi::table::count(figure.round() as u64)
}

/// A ratio or seconds for people: `1.72`.
pub(crate) fn hundredths(figure: f64) -> String {
    format!("{figure:.2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_the_spread_is_its_ends() {
        let odd = Spread::of(&[3.0, 1.0, 2.0]).unwrap();
        let even = Spread::of(&[4.0, 1.0, 2.0, 3.0]).unwrap();

        assert_eq!((odd.median, odd.min, odd.max), (2.0, 1.0, 3.0));
        assert_eq!((even.median, even.min, even.max), (2.5, 1.0, 4.0));
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let ratios = Spread::of_ratios(&[10.0, 40.0], &[5.0, 10.0]).unwrap();

        assert_eq!((ratios.median, ratios.min, ratios.max), (3.0, 2.0, 4.0));
        assert_eq!(ratios.show(hundredths), "3.00 (2.00–4.00)");
    }
}
