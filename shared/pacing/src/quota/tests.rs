//! What the rules say, and that no order of asking, dying and hearing late gets around them.

mod processes;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn noon() -> DateTime<Utc> {
    "2026-07-01T12:00:00Z".parse().unwrap()
}

fn claim(held: u64, fast: u64, bulk: u64) -> Claim {
    Claim {
        held,
        demand: Demand { fast, bulk },
    }
}

/// For one who comes first of all, in the first turn.
fn divide(usable: u64, own: Claim, others: &[Claim]) -> Division {
    super::divide(usable, own, others, Turn::default())
}

#[test]
fn a_sixtieth_is_kept_back_and_of_small_quotas_more() {
    let usable = [600_000, 1_000, 120, 40, 4, 1].map(usable);

    assert_eq!(usable, [590_000, 984, 104, 30, 3, 1]);
}

#[test]
fn whoever_is_alone_with_work_gets_all_but_a_quarter_at_once() {
    let idle = claim(10, 0, 0);

    let division = divide(10_000, claim(39, 600, 0), &[idle]);

    // Two times 39 are held for the first messages of the idle and of our own.
    assert_eq!(division.share, 600 + (10_000 - 600 - 39 - 2_500));
    assert_eq!(division.share, division.target);
}

#[test]
fn the_fast_lane_of_all_goes_before_the_bulk_lane_of_any() {
    let others = [claim(5_000, 0, 50_000), claim(5_000, 9_000, 0)];

    let of_bulk = divide(10_000, claim(0, 0, 50_000), &others);
    let of_fast = divide(10_000, claim(0, 6_000, 0), &others);

    // 9,000 and 39 twice go to the fast lane; two share the rest.
    assert_eq!(of_bulk.target, 39 + (10_000 - 9_000 - 2 * 39) / 2);
    // Two want more than there is: the same for both, but for those 39 of the third, and the one
    // message that does not divide.
    assert_eq!(of_fast.target, (10_000 - 39) / 2 + 1);
}

#[test]
fn who_wants_little_gets_it_and_the_others_share_the_rest() {
    let others = [claim(0, 0, 600), claim(0, 0, 80_000)];

    let target = divide(10_000, claim(0, 0, 90_000), &others).target;

    // And the one message that two cannot share.
    assert_eq!(target, 39 + (10_000 - 3 * 39 - 600) / 2 + 1);
}

#[test]
fn what_does_not_divide_goes_round() {
    let busy = claim(0, 0, 600);
    let share_of = |before, minute| {
        let turn = Turn::at(noon() + minute * MINUTE, before);
        super::divide(3, busy, &[busy; 3], turn).share
    };

    let of_all = [0, 4, 5, 10, 15].map(|minute| [0, 1, 2, 3].map(|before| share_of(before, minute)));

    assert_eq!(of_all[0], of_all[1]);
    assert!(of_all.iter().all(|shares| shares.iter().sum::<u64>() == 3));
    let without: Vec<_> = of_all[1..]
        .iter()
        .map(|shares| shares.iter().position(|share| *share == 0))
        .collect();
    let mut everybody = without.clone();
    everybody.sort_unstable();
    assert_eq!(everybody, [Some(0), Some(1), Some(2), Some(3)], "{without:?}");
}

#[test]
fn a_share_grows_by_what_is_free_and_shrinks_by_its_holder_alone() {
    let greedy = claim(9_900, 0, 90_000);

    let newcomer = divide(10_000, claim(0, 0, 90_000), &[greedy]);
    let holder = divide(10_000, greedy, &[claim(newcomer.share, 0, 90_000)]);

    assert_eq!(newcomer.share, 100);
    assert_eq!((holder.share, holder.target), (9_900, newcomer.target));
}

#[test]
fn a_holder_comes_down_to_its_target_before_it_asks_again() {
    let mut share = Share::default();
    let division = Division {
        share: 6_000,
        target: 600,
    };

    let at_first = share.ask(Duration::ZERO);
    share.answer(division, Duration::ZERO, SECOND / 10);
    let until_then = share.per_minute(SECOND);
    let then = share.ask(SECOND);

    assert_eq!((at_first, until_then, then), (0, 6_000, 600));
}

#[test]
fn a_share_ends_five_seconds_after_its_question_however_late_the_answer_is() {
    let division = Division {
        share: 6_000,
        target: 6_000,
    };
    let (mut late, mut too_late) = (Share::default(), Share::default());

    late.answer(division, Duration::ZERO, 4 * SECOND);
    too_late.answer(division, Duration::ZERO, 5 * SECOND);

    assert!(late.take(4 * SECOND + SECOND / 2).is_ok());
    assert_eq!(late.take(5 * SECOND), Err(Wait::Share));
    assert_eq!(too_late.take(5 * SECOND), Err(Wait::Share));
}

#[test]
fn a_bucket_gives_what_its_share_gives_and_a_quarter_of_a_second_saved_up() {
    let mut share = Share::default();
    let division = Division {
        share: 6_000,
        target: 6_000,
    };
    share.answer(division, Duration::ZERO, Duration::ZERO);

    let saved = (0..100).take_while(|_| share.take(2 * SECOND).is_ok()).count();
    let wait = share.take(2 * SECOND);

    assert_eq!(saved, 25);
    assert_eq!(wait, Err(Wait::For(SECOND / 100 + Duration::from_nanos(1))));
    assert!(share.take(2 * SECOND + SECOND / 99).is_ok());
}

#[test]
fn one_throttled_device_of_many_presses_no_brake() {
    let mut answers = Answers::default();
    (0..99).for_each(|_| answers.note());
    answers.note_later(60 * SECOND);

    assert_eq!(answers.judge(), None);
    assert_eq!(answers, Answers::default());
}

#[test]
fn few_answers_wait_for_more() {
    let mut answers = Answers::default();
    (0..9).for_each(|_| answers.note_later(60 * SECOND));

    let of_nine = answers.judge();
    answers.note();
    let of_ten = answers.judge();

    assert_eq!(of_nine, None);
    assert_eq!(of_ten, Some(Throttled { after: 60 * SECOND }));
}

#[test]
fn a_brake_halves_what_is_allowed_and_lets_go_when_the_gateway_says() {
    let throttled = Throttled { after: 30 * SECOND };
    let mut brake = Brake::default();

    brake.press(throttled, noon());
    brake.press(throttled, noon() + SECOND / 2);
    let of_one_wave = brake.allows(noon() + SECOND);
    brake.press(throttled, noon() + SECOND);
    let of_two = brake.of(600_000, noon() + 31 * SECOND);
    let rising = [32, 46, 76, 3_600].map(|second| brake.allows(noon() + second * SECOND));

    assert_eq!((of_one_wave, of_two), (500, 150_000));
    assert_eq!(rising, [266, 500, 1_000, 1_000]);
}

#[test]
fn however_long_it_is_pressed_a_trickle_goes_on() {
    let mut brake = Brake::default();

    (0..60).for_each(|second| brake.press(Throttled { after: SECOND }, noon() + second * SECOND));

    assert_eq!(brake.allows(noon() + 60 * SECOND), 4);
}
