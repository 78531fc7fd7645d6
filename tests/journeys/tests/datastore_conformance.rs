//! What the pipeline, and anybody else, may rely on of a Datastore.
//!
//! Every promise is tested on our emulator in memory under both concurrency modes, on a file,
//! and on Google's emulator where `tests/run` has started one. What production does and
//! Google's emulator does not (limits, missing indexes) is tested on ours alone.

#[path = "datastore_conformance/words.rs"]
mod words;
#[path = "datastore_conformance/world.rs"]
mod world;

#[path = "datastore_conformance/answers.rs"]
mod answers;
#[path = "datastore_conformance/commits.rs"]
mod commits;
#[path = "datastore_conformance/cursors.rs"]
mod cursors;
#[path = "datastore_conformance/differential.rs"]
mod differential;
#[path = "datastore_conformance/keys.rs"]
mod keys;
#[path = "datastore_conformance/limits.rs"]
mod limits;
#[path = "datastore_conformance/orders.rs"]
mod orders;
#[path = "datastore_conformance/queries.rs"]
mod queries;
#[path = "datastore_conformance/transactions.rs"]
mod transactions;

macro_rules! on_engine {
    ($engine:ident: $($module:ident { $($case:ident,)+ })+) => {
        $($(
            #[tokio::test]
            async fn $case() {
                if let Some(world) = crate::world::World::open(crate::world::Engine::$engine).await {
                    crate::$module::$case(&world).await;
                    world.close().await;
                }
            }
        )+)+
    };
}

macro_rules! on_every_engine {
    ($($cases:tt)+) => {
        mod memory_optimistic { on_engine!(MemoryOptimistic: $($cases)+); }
        mod memory_pessimistic { on_engine!(MemoryPessimistic: $($cases)+); }
        mod file { on_engine!(File: $($cases)+); }
        mod google { on_engine!(Google: $($cases)+); }
    };
}

macro_rules! on_ours {
    ($($cases:tt)+) => {
        mod ours_in_memory { on_engine!(MemoryOptimistic: $($cases)+); }
        mod ours_on_file { on_engine!(File: $($cases)+); }
    };
}

on_every_engine! {
    commits {
        an_entity_comes_back_as_it_was_written,
        an_insert_of_an_existing_key_undoes_its_transaction,
        an_update_needs_an_entity,
        an_upsert_creates_and_replaces,
        a_delete_of_a_missing_entity_is_no_error,
        a_write_raises_the_version_and_keeps_the_creation_time,
        a_write_of_the_same_content_keeps_the_version,
        several_mutations_of_a_key_are_refused_outside_of_a_transaction,
        several_mutations_of_a_key_follow_each_other_in_a_transaction,
        mutations_that_cannot_follow_each_other_are_refused,
        a_commit_without_a_transaction_keeps_what_came_before_its_failure,
        a_single_use_transaction_commits,
        a_masked_update_keeps_the_other_properties,
        a_failing_condition_on_the_version_stops_the_commit,
        five_hundred_inserts_are_one_transaction,
    }
    keys {
        an_incomplete_key_is_given_an_id,
        allocated_ids_differ,
        keys_must_be_complete_where_nothing_is_inserted,
        names_that_datastore_reserves_are_refused,
        projects_and_namespaces_are_apart,
        keys_of_another_project_are_refused,
        a_lookup_answers_a_key_once,
    }
    transactions {
        a_committed_transaction_is_closed,
        a_rolled_back_transaction_is_closed_and_rolling_back_again_is_no_error,
        a_transaction_that_is_none_is_refused,
        a_read_only_transaction_refuses_writes,
        a_mode_must_fit_its_transaction,
        of_two_transactions_that_change_what_they_read_at_most_one_commits,
        of_two_transactions_that_fill_the_same_gap_at_most_one_commits,
        of_two_transactions_that_count_and_insert_at_most_one_commits,
        money_is_neither_made_nor_lost,
        transactions_on_different_entities_both_commit,
        a_transaction_that_only_inserts_meets_nobody,
        a_query_can_begin_a_transaction,
    }
    queries {
        an_ancestor_query_finds_the_entity_and_all_below,
        a_query_without_kind_finds_every_kind,
        filters_on_the_key_are_ranges,
        inequalities_bound_an_order,
        equalities_are_merged,
        membership_and_exclusion,
        alternatives_are_united,
        two_inequalities_bound_two_properties,
        arrays_are_found_by_each_element,
        what_is_excluded_from_indexes_is_not_found,
        embedded_entities_are_found_by_their_properties,
        queries_that_make_no_sense_are_refused,
    }
    orders {
        values_of_all_types_have_one_order,
        strings_and_bytes_are_equal_but_numbers_are_not,
        keys_sort_by_kind_then_ids_before_names_then_parents_before_children,
        equal_values_come_in_the_direction_of_the_last_order,
        an_order_by_two_properties,
        an_ancestor_and_an_order,
    }
    answers {
        keys_only_and_projections_show_what_is_asked,
        a_projection_gives_every_element_of_an_array,
        distinct_results_differ_in_their_values,
        counts_sums_and_averages,
    }
    cursors {
        a_limit_says_whether_more_would_come,
        an_offset_says_what_it_skipped,
        pages_by_cursor_cover_everything_once,
        pages_by_cursor_run_backward_too,
        an_end_cursor_ends_with_its_result,
    }
}

on_ours! {
    limits {
        more_mutations_than_allowed_are_refused,
        more_keys_than_allowed_are_refused,
        a_request_over_ten_mebibytes_is_refused,
        an_entity_over_one_mebibyte_is_refused,
        long_names_and_indexed_strings_are_refused,
        too_many_index_entries_are_refused,
        a_query_without_its_index_names_the_one_it_needs,
        a_conflict_in_version_keeps_the_stored_entity,
        a_lookup_can_begin_a_transaction,
        an_unlimited_query_ends_before_its_answer_grows_too_big,
        the_end_of_results_has_a_cursor_that_stays_there,
        gql_is_refused,
    }
}
