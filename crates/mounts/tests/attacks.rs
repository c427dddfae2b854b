//! Attacks, each on every kind of mount it concerns. What only a host directory can suffer is in `host_attacks`,
//! `host_links`, `host_races` and `host_crossings`.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

#[path = "support/kinds.rs"]
mod kinds;
#[path = "support/linked.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod linked;
#[path = "attacks/links.rs"]
mod links;
#[path = "attacks/names.rs"]
mod names;
#[path = "attacks/paths.rs"]
mod paths;
mod support;
#[cfg(target_os = "linux")]
#[path = "attacks/swaps.rs"]
mod swaps;
#[path = "support/verbs.rs"]
mod verbs;

kinds::on_writable_kinds! {
    paths: dots_in_every_position_mean_the_normal_path, climbing_above_the_root_ends_at_the_root,
        a_nul_byte_is_refused_by_every_verb, what_is_over_a_limit_is_refused_by_every_verb,
        what_is_just_within_the_limits_works, a_sibling_whose_name_starts_alike_is_another;
    names: names_stay_as_they_are_given, names_that_mean_something_elsewhere_are_only_names,
        a_tree_sixty_deep_is_made_moved_and_removed;
}

kinds::on_read_only_kinds! {
    paths: dots_in_every_position_mean_the_normal_path, climbing_above_the_root_ends_at_the_root,
        a_nul_byte_is_refused_by_every_verb, what_is_over_a_limit_is_refused_by_every_verb;
}

kinds::on_linked_kinds! {
    links: links_that_leave_are_refused_by_every_verb_that_follows_them, what_is_behind_a_link_that_leaves_is_out_of_reach,
        forty_links_are_followed_and_no_more, circles_are_refused_and_stay_as_they_are,
        a_dangling_link_is_written_through_where_it_leads, a_walk_meets_each_directory_once,
        a_moved_link_leads_where_its_new_place_says, special_files_are_denied_to_every_verb_and_nobody_waits;
}
