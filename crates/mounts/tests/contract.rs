//! The contract, as plain functions over every kind of mount; a kind's own test files have only its extras.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

#[path = "contract/effects.rs"]
mod effects;
#[path = "contract/errors.rs"]
mod errors;
#[path = "support/kinds.rs"]
mod kinds;
#[path = "contract/limits.rs"]
mod limits;
#[path = "support/linked.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod linked;
#[path = "contract/reading.rs"]
mod reading;
#[path = "contract/renames.rs"]
mod renames;
mod support;
#[path = "support/verbs.rs"]
mod verbs;

kinds::on_writable_kinds! {
    reading: what_is_there_is_read_listed_and_described, what_is_asked_of_nothing_is_false;
    errors: each_verb_is_refused_as_linux_refuses_it, what_rules_deny_is_denied_and_what_they_leave_to_read_is_read_only,
        mounts_are_not_crossed_by_renames;
    effects: what_is_written_is_read_back, opening_truncates_or_creates, directories_come_and_go,
        listings_follow_every_change, removed_names_can_be_made_anew_as_anything, times_and_inodes_move_as_on_linux;
    renames: every_pair_of_paths_is_renamed_or_refused_as_on_a_real_directory, a_renamed_tree_is_whole_at_its_new_place,
        a_rename_onto_itself_changes_nothing;
    limits: bytes_held_are_limited_and_given_back, files_held_are_limited_and_given_back, one_file_is_limited_as_a_whole,
        work_is_limited_and_never_given_back, an_answer_that_does_not_fit_is_refused_before_it_is_read,
        a_refused_rename_or_removal_counts_nothing;
}

kinds::on_read_only_kinds! {
    reading: what_is_there_is_read_listed_and_described, what_is_asked_of_nothing_is_false;
    errors: each_verb_is_refused_as_linux_refuses_it_where_nothing_can_be_written,
        what_rules_deny_is_denied_and_what_they_leave_to_read_is_read_only, mounts_are_not_crossed_by_renames;
    limits: an_answer_that_does_not_fit_is_refused_before_it_is_read;
}
