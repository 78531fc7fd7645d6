//! A chunk is expanded whole and once, whatever becomes of the answer.

use campaign::{CampaignId, ChunkId, ChunkState, Reason, SendTime, Standing};
use journeys::wire::grpc::{Step, commits};
use journeys::wire::{Fault, Rule};
use push_store::{Afterwards, Error, Expansion, FIRST_VERSION, MAX_MUTATIONS};

use crate::engine::{World, at, new_chunk, on_every_engine, push, tally, user};

on_every_engine! {
    a_new_chunk_is_there_with_all_its_pushes
    a_repeat_changes_nothing_and_answers_what_is_there
    other_recipients_are_refused
    one_of_several_at_once_does_it
    an_expansion_whose_answer_was_lost_is_found_done
    a_chunk_whose_local_time_is_past_is_closed_from_the_start
    more_than_a_transaction_holds_is_refused
    what_is_not_expanded_can_be_listed
}

async fn a_new_chunk_is_there_with_all_its_pushes(world: &World) {
    let mut new = new_chunk(CampaignId::allocate(), 3, MAX_MUTATIONS - 1);
    new.recipients[7] = None;

    let expansion = world.store.expand(new.clone(), at(0)).await.unwrap();

    let chunk = world.find(ChunkId::of(new.campaign, 3)).await;
    let pushes = world.store.list_pushes(chunk.id).await.unwrap();
    assert_eq!(expansion, Expansion::Expanded(Box::new(chunk.clone())));
    assert_eq!((chunk.no, chunk.size, chunk.version), (3, 499, FIRST_VERSION));
    let standings = [(Standing::Pending, 498), (Standing::Settled(Reason::Erased), 1)];
    assert_eq!((chunk.digest, chunk.tally), (new.digest, tally(&standings)));
    assert_eq!((chunk.record.due_at, chunk.expires_at), (Some(at(0)), at(86_400)));
    assert_eq!(pushes.len(), 499);
    for (place, push) in pushes.iter().enumerate() {
        assert_eq!(usize::from(push.place), place);
        assert_eq!(push.user, (place != 7).then(|| user(place)));
    }
    assert_eq!(pushes[0].locale.as_deref(), Some("ja"));
    assert_eq!(pushes[9].variables, [("rank".to_owned(), "gold-9".to_owned())]);
    assert_eq!(pushes[9].standing, Standing::Pending);
    assert_eq!(pushes[7].standing, Standing::Settled(Reason::Erased));
}

async fn a_repeat_changes_nothing_and_answers_what_is_there(world: &World) {
    let (chunk, _) = world.leased_chunk(5).await;
    let sent = [(push(&chunk, 2), Standing::Settled(Reason::Accepted))];
    let settled = world.settle(chunk.id, &sent, Afterwards::GoOn, 2).await;

    let mut repeat = new_chunk(chunk.campaign, 0, 5);
    repeat.recipients[4] = None;
    let again = world.store.expand(repeat, at(3)).await.unwrap();

    assert_eq!(again, Expansion::Expanded(Box::new(settled.clone())));
    assert_eq!(world.find(chunk.id).await, settled);
    let pushes = world.store.list_pushes(chunk.id).await.unwrap();
    assert_eq!(pushes[2].standing, sent[0].1);
}

async fn other_recipients_are_refused(world: &World) {
    let chunk = world.chunk(5).await;
    let mut other = new_chunk(chunk.campaign, 0, 4);
    other.digest = [8; 32];

    let expansion = world.store.expand(other, at(1)).await.unwrap();

    assert_eq!(expansion, Expansion::DigestDiffers);
    assert_eq!(world.find(chunk.id).await, chunk);
    assert_eq!(world.store.list_pushes(chunk.id).await.unwrap().len(), 5);
}

async fn one_of_several_at_once_does_it(world: &World) {
    let new = new_chunk(CampaignId::allocate(), 0, 50);
    let expand = || world.store.expand(new.clone(), at(0));

    let (a, b, c, d) = tokio::join!(expand(), expand(), expand(), expand());

    let expanded = [a, b, c, d].into_iter().filter(|expansion| match expansion {
        Ok(Expansion::Expanded(_)) => true,
        Err(Error::Conflict(_)) => false,
        other => panic!("{other:?}"),
    });
    assert!(expanded.count() >= 1);
    let chunk = ChunkId::of(new.campaign, 0);
    assert_eq!(world.store.list_pushes(chunk).await.unwrap().len(), 50);
}

async fn an_expansion_whose_answer_was_lost_is_found_done(world: &World) {
    let (store, wire) = world.over_a_wire().await;
    let new = new_chunk(CampaignId::allocate(), 0, 5);
    let id = ChunkId::of(new.campaign, 0);

    let lost = wire.inject(Rule::new(Fault::DropReply, commits(Step::Expand)));
    let expansion = store.expand(new, at(0)).await;

    let there = world.find(id).await;
    assert_eq!(expansion.unwrap(), Expansion::Expanded(Box::new(there)));
    assert_eq!(lost.count(), 1);
    assert_eq!(world.store.list_pushes(id).await.unwrap().len(), 5);
}

async fn a_chunk_whose_local_time_is_past_is_closed_from_the_start(world: &World) {
    let mut new = new_chunk(CampaignId::allocate(), 0, 3);
    new.send_time = SendTime::LocalTimePast;
    new.recipients[1] = None;

    let id = ChunkId::of(new.campaign, 0);

    world.store.expand(new, at(0)).await.unwrap();

    let chunk = world.find(id).await;
    let pushes = world.store.list_pushes(chunk.id).await.unwrap();
    let standings: Vec<_> = pushes.iter().map(|push| push.standing.reason()).collect();
    let past = Some(Reason::LocalTimePast);
    assert_eq!(standings, [past, Some(Reason::Erased), past]);
    assert_eq!(
        (chunk.record.state, chunk.record.due_at),
        (ChunkState::Done, None)
    );
    let past = Standing::Settled(Reason::LocalTimePast);
    let erased = Standing::Settled(Reason::Erased);
    assert_eq!(chunk.tally, tally(&[(past, 2), (erased, 1)]));
}

async fn more_than_a_transaction_holds_is_refused(world: &World) {
    let new = new_chunk(CampaignId::allocate(), 0, MAX_MUTATIONS);
    let id = ChunkId::of(new.campaign, 0);

    let refused = world.store.expand(new, at(0)).await;

    assert!(matches!(
        refused,
        Err(Error::TooLarge {
            recipients: 500,
            limit: 500
        })
    ));
    assert_eq!(world.store.find_chunk(id).await.unwrap(), None);
}

async fn what_is_not_expanded_can_be_listed(world: &World) {
    let campaign = CampaignId::allocate();
    for no in [1, 4] {
        world
            .store
            .expand(new_chunk(campaign, no, 1), at(0))
            .await
            .unwrap();
    }
    let numbers: Vec<u32> = (0..6).collect();

    let missing = world.store.list_unexpanded(campaign, &numbers).await.unwrap();
    let there = world.store.list_chunks(campaign, &numbers).await.unwrap();

    assert_eq!(missing, [0, 2, 3, 5]);
    assert_eq!(there.iter().map(|chunk| chunk.no).collect::<Vec<_>>(), [1, 4]);
}
